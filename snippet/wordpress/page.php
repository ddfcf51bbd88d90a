<?php
/**
 * A page, read tag by tag as browsers read it, in which whatever waits for a yes is held as docs/tag.md says.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const SPACE     = '\t\n\f\r ';
const TAGS      = '~<(?:[!?]|/(?![a-z>])|(/?[a-z][^' . SPACE . '/>]*+))~i';
const ATTRIBUTE = '[' . SPACE . '/]*+([^' . SPACE . '>/][^' . SPACE . '=>/]*+)'
	. '(?:[' . SPACE . ']*+=[' . SPACE . ']*+(?:"([^"]*+)"|\'([^\']*+)\'|(?!["\'])([^' . SPACE . '>]*+))|(?![' . SPACE . ']*+=))';
const TAG_END   = '~(?:' . ATTRIBUTE . ')*+([' . SPACE . '/]*+)>~A';
// Where a script ends, or another begins.
const SCRIPT    = '~(?=</?script[' . SPACE . '/>])~i';
const RAW       = array( 'style', 'textarea', 'title', 'iframe', 'xmp', 'noembed', 'noframes', 'noscript' );

/**
 * HTML in which whatever has to wait is held.
 *
 * @param string   $html  a page, or a part of one.
 * @param string[] $waits what all its scripts wait for; none: each is judged by itself.
 * @param string[] $raw   the elements, but for scripts, in which nothing is a tag.
 */
function held( string $html, array $waits = array(), array $raw = RAW ): string {
	$out       = '';
	$at        = 0;
	$tree      = new Tree();
	$in_select = false;
	while ( preg_match( TAGS, $html, $tag, PREG_OFFSET_CAPTURE, $at ) ) {
		$start = $tag[0][1];
		$out  .= substr( $html, $at, $start - $at );
		$at    = $start;
		if ( ! isset( $tag[1] ) ) {
			$at   = comment_end( $html, $start, $tree->has_cdata() && ! $in_select && RAW === $raw );
			$out .= substr( $html, $start, $at - $start );
			continue;
		}
		// Tags of every kind are read to their end: what looks like a tag within an attribute is none, nor is one that has no end.
		$inside = $start + strlen( $tag[0][0] );
		$is_ended = preg_match( TAG_END, $html, $part, 0, $inside );
		if ( false === $is_ended ) { // more attributes than PHP may look at: what comes after them is read all the same
			$at   = after( $html, '~>~', $inside );
			$out .= substr( $html, $start, $at - $start );
			continue;
		}
		if ( ! $is_ended ) {
			break;
		}
		$name      = strtolower( $tag[1][0] );
		$rest      = $part[0];
		$ends      = '/' === substr( $part[5], -1 );
		$inside   += strlen( $rest );
		$is_drawn  = $tree->pass( $name, $rest, $ends );
		$in_select = '/select' !== $name && ( $in_select || ( 'select' === $name && ! $is_drawn ) );
		$end       = $is_drawn ? $inside : text_end( $html, $inside, $name, $raw, $in_select );
		$text      = substr( $html, $inside, $end - $inside );
		$own       = substr( $html, $start, $inside - $start );
		$name      = 'image' === $name && ! $is_drawn ? 'img' : $name;
		if ( isset( ADDRESSES[ $name ] ) ) {
			// The text of a drawing's script is markup too, and another script may be in it.
			$code       = $is_drawn && ! $ends && 'script' === $name ? substr( $html, $inside, after( $html, SCRIPT, $inside ) - $inside ) : $text;
			$attributes = attributes( $rest );
			$for        = waits_of_element( $name, array_map( __NAMESPACE__ . '\decoded', $attributes ), $code, $waits );
			$own        = $for ? marked( $name, $attributes, $for, $is_drawn && $ends ) : $own;
		}
		// Markup to some: in a <select> to browsers that know nothing but options there, in a <noscript> to those without scripts.
		if ( $in_select && 'script' !== $name && 'textarea' !== $name ) {
			$text = held( $text, $waits, array( 'textarea' ) );
		} elseif ( 'noscript' === $name ) {
			$text = held( $text, $waits, array_diff( $raw, array( $name ) ) );
		}
		$out .= $own . $text;
		$at   = $end;
	}
	return $out . substr( $html, $at );
}

/**
 * Where a comment ends, and whatever else browsers skip as one.
 *
 * @param string $html      the page.
 * @param int    $at        where it begins.
 * @param bool   $has_cdata whether CDATA is none.
 */
function comment_end( string $html, int $at, bool $has_cdata ): int {
	if ( 0 === substr_compare( $html, '<!--', $at, 4 ) ) {
		return after( $html, '~\G-?>|--!?>~', $at + 4 );
	}
	$is_cdata = $has_cdata && 0 === substr_compare( $html, '<![CDATA[', $at, 9 );
	return after( $html, $is_cdata ? '~]]>~' : '~>~', $at + 2 );
}

/**
 * Where the text of an element ends in which nothing is a tag.
 *
 * @param string   $html      the page.
 * @param int      $at        where it begins.
 * @param string   $name      of the element, lower case.
 * @param string[] $raw       the elements, but for scripts, that have such text.
 * @param bool     $in_select whether a <select> is open.
 */
function text_end( string $html, int $at, string $name, array $raw, bool $in_select ): int {
	if ( 'script' === $name ) {
		return script_end( $html, $at );
	}
	if ( ! in_array( $name, $raw, true ) ) {
		return $at;
	}
	return after( $html, "~(?=</(?:$name" . ( $in_select ? '|select' : '' ) . ')[' . SPACE . '/>])~i', $at );
}

/**
 * Where a script ends: not in another one within <!-- and -->, by the HTML standard's section 13.2.5.4.
 *
 * @param string $html the page.
 * @param int    $at   where its text begins.
 */
function script_end( string $html, int $at ): int {
	$depth = 0; // 1: within <!--, 2: within a script in there.
	while ( preg_match( '~<!--|-->|<(/?)script(?=[' . SPACE . '/>])~i', $html, $part, PREG_OFFSET_CAPTURE, $at ) ) {
		list( $what, $start ) = $part[0];
		if ( isset( $part[1] ) ) {
			$ends = '/' === $part[1][0];
			if ( $ends && 2 !== $depth ) {
				return $start;
			}
			$depth = $ends ? 1 : ( $depth ? 2 : 0 );
		} else {
			$depth = '-->' === $what ? 0 : max( $depth, 1 );
		}
		$at = $start + ( '<!--' === $what ? 2 : strlen( $what ) ); // Its hyphens may be those of -->.
	}
	return strlen( $html );
}

/**
 * The attributes of a tag, of which the first of a name counts.
 *
 * @param string $html what stands between the tag's name and its end.
 * @return array<string, string> as written, by name, lower case.
 */
function attributes( string $html ): array {
	$attributes = array();
	preg_match_all( '~' . ATTRIBUTE . '~A', $html, $parts, PREG_SET_ORDER );
	foreach ( $parts as $part ) {
		$attributes += array( strtolower( $part[1] ) => $part[4] ?? $part[3] ?? $part[2] ?? '' );
	}
	return $attributes;
}

/**
 * What a browser reads where an attribute is written so. The semicolon of a number may lack.
 *
 * @param string $text as written.
 */
function decoded( string $text ): string {
	$ascii = function ( array $part ): string {
		$code = '' === $part[1] ? (int) $part[2] : hexdec( $part[1] );
		return $code < 128 ? chr( $code ) : $part[0];
	};
	$text = preg_replace_callback( '~&#(?:x([0-9a-f]++)|(\d++));?~i', $ascii, $text );
	return html_entity_decode( $text, ENT_QUOTES | ENT_HTML5, 'UTF-8' );
}

/**
 * Where something ends, or the page does.
 *
 * @param string $html the page.
 * @param string $what a regular expression of it.
 * @param int    $at   from where to look.
 */
function after( string $html, string $what, int $at ): int {
	$found = preg_match( $what, $html, $part, PREG_OFFSET_CAPTURE, $at );
	return $found ? $part[0][1] + strlen( $part[0][0] ) : strlen( $html );
}
