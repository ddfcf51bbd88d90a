<?php
/**
 * Which elements are open at a place of a page: browsers read a drawing or a formula otherwise than what is around it.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const DRAWN     = array( 'svg', 'math', 'annotation-xml' );
// Elements of theirs with HTML in them: the HTML standard's section 13.2.6, "integration point".
const SVG_HTML  = array( 'foreignobject', 'desc', 'title' );
const MATH_TEXT = array( 'mi', 'mo', 'mn', 'ms', 'mtext' );
// What ends a drawing that nobody has ended: section 13.2.6.5, "in foreign content".
const BREAKS    = '~\A(?:b|big|blockquote|body|center|code|d[dlt]|div|em|embed|h[1-6]|head|hr|i|img|li|listing|menu|meta|nobr|ol'
	. '|pre|ruby|s|small|span|strong|strike|su[bp]|table|tt|ul?|var|/?(?:p|br))\z~';
// What no tag of its own ends, or what goes on behind that.
const LONE      = '~\A(?:area|base|basefont|bgsound|body|br|col|embed|form|frame|head|hr|html|im(?:g|age)|input|keygen|link|meta|param|source|track|wbr)\z~';

/** The elements that are open, outermost first. */
final class Tree {
	/**
	 * Of each: name, kind, the one of its name before it, the last one of HTML, and the last point: a drawing's element with
	 * HTML in it. The kinds are svg, math and annotation-xml, point, and none for HTML.
	 *
	 * @var array<array{string, string, int, int, int}>
	 */
	private $open = array();

	/**
	 * The innermost by name.
	 *
	 * @var int[]
	 */
	private $last = array();

	/** Whether <![CDATA[ begins text here, not a comment. */
	public function has_cdata(): bool {
		return '' !== $this->top()[1];
	}

	/**
	 * Go past a tag.
	 *
	 * @param string $name lower case, with the slash of one that ends an element.
	 * @param string $rest of the tag.
	 * @param bool   $ends whether it ends in a slash.
	 * @return bool whether it is a drawing's or a formula's own, in which text is markup.
	 */
	public function pass( string $name, string $rest, bool $ends ): bool {
		while ( in_array( $this->top()[1], DRAWN, true ) && self::breaks( $name, $rest ) ) {
			$this->pop();
		}
		list( $within, $kind, , $html, $point ) = $this->top();
		if ( '/' === $name[0] ) {
			$ended = $this->last[ substr( $name, 1 ) ] ?? -1;
			while ( $ended > min( $html, $point ) && count( $this->open ) > $ended ) {
				$this->pop();
			}
			return false;
		}
		$is_drawn = in_array( $kind, DRAWN, true );
		$is_glyph = 'point' === $kind && in_array( $within, MATH_TEXT, true ) && ( 'mglyph' === $name || 'malignmark' === $name );
		$new      = $is_glyph ? 'math' : self::kind( $kind, $name, $rest );
		if ( '' === $new ? ! preg_match( LONE, $name ) : ! $ends ) {
			$at                  = count( $this->open );
			$this->open[]        = array( $name, $new, $this->last[ $name ] ?? -1, '' === $new ? $at : $html, 'point' === $new ? $at : $point );
			$this->last[ $name ] = $at;
		}
		return $is_drawn;
	}

	/**
	 * Whether a tag is none of a drawing, but ends it.
	 *
	 * @param string $name lower case.
	 * @param string $rest of the tag.
	 */
	private static function breaks( string $name, string $rest ): bool {
		$of_html = array( 'color' => 0, 'face' => 0, 'size' => 0 );
		return preg_match( BREAKS, $name ) || ( 'font' === $name && array_intersect_key( attributes( $rest ), $of_html ) );
	}

	/**
	 * The kind of an element within one of another kind.
	 *
	 * @param string $kind of that.
	 * @param string $name of its tag.
	 * @param string $rest of its tag.
	 */
	private static function kind( string $kind, string $name, string $rest ): string {
		if ( ! in_array( $kind, DRAWN, true ) ) {
			return 'svg' === $name || 'math' === $name ? $name : '';
		}
		if ( 'svg' === $kind || ( 'annotation-xml' === $kind && 'svg' === $name ) ) {
			return in_array( $name, SVG_HTML, true ) ? 'point' : 'svg';
		}
		if ( 'annotation-xml' !== $name ) {
			return in_array( $name, MATH_TEXT, true ) ? 'point' : 'math';
		}
		$encoding = strtolower( decoded( attributes( $rest )['encoding'] ?? '' ) );
		return 'text/html' === $encoding || 'application/xhtml+xml' === $encoding ? 'point' : $name;
	}

	/**
	 * The innermost.
	 *
	 * @return array{string, string, int, int, int}
	 */
	private function top(): array {
		return $this->open ? end( $this->open ) : array( '', '', -1, -1, -1 );
	}

	/** Leave the innermost. */
	private function pop(): void {
		list( $name, , $before ) = array_pop( $this->open );
		$this->last[ $name ]     = $before;
	}
}
