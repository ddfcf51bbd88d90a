<?php
/**
 * The gate: our tag first in the head, and whatever waits for a yes held in the page's HTML, as docs/tag.md says.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const TAGS       = '~<(?:(!--)|(/?[a-z][^\s/>]*+))~i';
const ATTRIBUTE  = '[\s/]*+([^\s>/][^\s=>/]*+)(?:\s*+=\s*+(?:"([^"]*+)"|\'([^\']*+)\'|(?!["\'])([^\s>]*+)))?+';
const HOLDABLE   = array( 'script', 'iframe', 'img', 'source', 'link' );
const RAW        = array( 'script', 'style', 'textarea', 'title', 'iframe', 'xmp', 'noembed', 'noframes' );
// Within these an element may end in its own tag, and text that looks like a tag is one; but for what is HTML in them.
const FOREIGN    = array(
	'svg'  => array( 'foreignobject', 'desc', 'title' ),
	'math' => array( 'mi', 'mo', 'mn', 'ms', 'mtext' ),
);
// What ends a drawing that nobody has ended: the HTML standard's section 13.2.6.5, "in foreign content".
const BREAKS     = '~\A(?:b|big|blockquote|body|center|code|d[dlt]|div|em|embed|h[1-6]|head|hr|i|img|li|listing|menu|meta|nobr|ol'
	. '|pre|ruby|s|small|span|strong|strike|su[bp]|table|tt|ul?|var|/?(?:p|br))\z~';
// What browsers run: the JavaScript MIME types of the MIME Sniffing Standard, section 4.6.
const SCRIPTS    = '~\A(?:|module|(?:text|application)/(?:x-)?(?:java|ecma)script|text/(?:javascript1\.[0-5]|jscript|livescript))\z~i';
// Where an element's address may stand: its own place, and that to which a lazy loader moves it.
const ADDRESSES  = array(
	'src'              => 'src',
	'srcset'           => 'srcset',
	'data-src'         => 'src',
	'data-srcset'      => 'srcset',
	'data-lazy-src'    => 'src',
	'data-lazy-srcset' => 'srcset',
);
const LOADS      = '~createElement|new Image|document\.write|\bimport\s*\(|sendBeacon|\bfetch\s*\(|XMLHttpRequest~';

/** Hold what a page of the site brings; a feed, and a post embedded elsewhere, have no tag that would release it. */
function open_gate(): void {
	if ( is_feed() || is_embed() || is_robots() || is_trackback() ) {
		return;
	}
	add_action( 'wp_head', __NAMESPACE__ . '\print_tag', PHP_INT_MIN );
	add_filter( 'script_loader_tag', __NAMESPACE__ . '\held_handle', PHP_INT_MAX, 2 );
	// A part of a page, as a theme might send ahead, could end within a tag.
	ob_start( __NAMESPACE__ . '\held_page', 0, PHP_OUTPUT_HANDLER_CLEANABLE | PHP_OUTPUT_HANDLER_REMOVABLE );
}

/**
 * What is sent in place of a page.
 *
 * @param string $html the page, if it is one.
 */
function held_page( string $html ): string {
	foreach ( headers_list() as $header ) {
		if ( 0 === stripos( $header, 'content-type:' ) && false === stripos( $header, 'html' ) ) {
			return $html;
		}
	}
	return held( $html );
}

/** Print our tag. */
function print_tag(): void {
	wp_print_script_tag(
		array( 'id' => 'consent-server-js', 'src' => esc_url_raw( site_address() . 'consent.js' ), 'async' => (bool) setting( 'async' ) )
	);
}

/**
 * What WordPress prints for a handle: its script, and the inline ones before and after it.
 *
 * @param string $html   all of these.
 * @param string $handle which.
 */
function held_handle( $html, $handle ): string {
	return held( (string) $html, waits_of_handle( (string) $handle ) );
}

/**
 * The categories that a handle waits for: by the administrator's row, else by its address and those it depends on.
 *
 * @param string $handle of an enqueued script.
 * @param bool[] $asked  by handle: those that lead here.
 * @return string[]
 */
function waits_of_handle( string $handle, array $asked = array() ): array {
	$rows = rows( 'handles' );
	if ( isset( $rows[ $handle ] ) ) {
		return $rows[ $handle ];
	}
	$script = wp_scripts()->registered[ $handle ] ?? null;
	if ( ! $script || isset( $asked[ $handle ] ) ) {
		return array();
	}
	$waits            = waits_of_address( (string) $script->src );
	$asked[ $handle ] = true;
	foreach ( $script->deps as $other ) {
		$waits = array_merge( $waits, waits_of_handle( (string) $other, $asked ) );
	}
	return array_values( array_unique( $waits ) );
}

/**
 * HTML in which whatever has to wait is held.
 *
 * @param string   $html  a page, or a part of one.
 * @param string[] $waits what all its scripts wait for; none: each is judged by itself.
 */
function held( string $html, array $waits = array() ): string {
	$out  = '';
	$at   = 0;
	$open = array(); // drawings and formulas, and what is HTML in them
	while ( preg_match( TAGS, $html, $tag, PREG_OFFSET_CAPTURE, $at ) ) {
		$start = $tag[0][1];
		$out  .= substr( $html, $at, $start - $at );
		$name  = strtolower( $tag[2][0] ?? '' );
		if ( '' === $name ) {
			$at   = after( $html, '~--!?>~', $start + 2 );
			$out .= substr( $html, $start, $at - $start );
			continue;
		}
		// Tags of every kind are read to their end: what looks like a tag within an attribute is none.
		$rest   = $start + strlen( $tag[0][0] );
		$inside = after( $html, '~(?:' . ATTRIBUTE . ')*+[^>]*+>~A', $rest );
		$ends   = '/>' === substr( $html, $inside - 2, 2 )
			&& preg_match( '~\A(?:' . ATTRIBUTE . ')*+[\s/]*/>\z~', substr( $html, $rest, $inside - $rest ) );
		$open   = still_open( $open, $name, substr( $html, $rest, $inside - $rest ) );
		$within = FOREIGN[ end( $open ) ] ?? null;
		$drawn  = null !== $within;
		// A formula's <svg> is an element of the formula.
		$opens  = $drawn ? end( $open ) === $name || in_array( $name, $within, true ) : isset( FOREIGN[ $name ] );
		if ( $opens && ! $ends ) {
			$open[] = $name;
		}
		$is_raw = in_array( $name, RAW, true ) && ! ( $drawn && ( 'script' !== $name || $ends ) );
		$end    = $is_raw ? after( $html, "~(?=</{$name}[\\s/>])~i", $inside ) : $inside;
		$text   = substr( $html, $inside, $end - $inside );
		$for    = array();
		if ( in_array( $name, HOLDABLE, true ) ) {
			$attributes = attributes( substr( $html, $rest, $inside - $rest ) );
			$for        = waits_of_element( $name, $attributes, $text, $waits );
		}
		$own  = $for ? marked( $name, $attributes, $for ) : substr( $html, $start, $inside - $start );
		$out .= ( $for && $ends && $drawn ? substr_replace( $own, '/', -1, 0 ) : $own ) . $text;
		$at   = $end;
	}
	return $out . substr( $html, $at );
}

/**
 * The drawings and formulas that a tag leaves open, and what is HTML in them; the innermost is last.
 *
 * @param string[] $open which were.
 * @param string   $name of the tag, lower case, with the slash of one that ends an element.
 * @param string   $rest of the tag.
 * @return string[]
 */
function still_open( array $open, string $name, string $rest ): array {
	if ( preg_match( BREAKS, $name ) || ( 'font' === $name && preg_match( '~\s(?:color|face|size)[\s=/>]~i', $rest ) ) ) {
		while ( isset( FOREIGN[ end( $open ) ] ) ) {
			array_pop( $open );
		}
	} elseif ( '/' === $name[0] ) {
		$last = array_keys( $open, substr( $name, 1 ), true );
		$open = $last ? array_slice( $open, 0, end( $last ) ) : $open;
	}
	return $open;
}

/**
 * The categories that an element waits for.
 *
 * @param string                $name       of its tag, lower case.
 * @param array<string, string> $attributes by name, lower case.
 * @param string                $text       of a script.
 * @param string[]              $waits      what all scripts here wait for.
 * @return string[] none: it stays as it is.
 */
function waits_of_element( string $name, array $attributes, string $text, array $waits ): array {
	if ( isset( $attributes['data-consent'] ) ) {
		return array();
	}
	if ( 'script' !== $name ) {
		$from = 'link' === $name ? array( 'href' => 'href' ) : ADDRESSES;
		$hint = 'link' === $name && preg_match( '/\b(?:dns-prefetch|preconnect)\b/i', $attributes['rel'] ?? '' );
		foreach ( array_intersect_key( $attributes, $from ) as $attribute => $value ) {
			$several = 'srcset' === $from[ $attribute ];
			foreach ( $several ? preg_split( '~[\s,]+~', $value, -1, PREG_SPLIT_NO_EMPTY ) : array( $value ) as $address ) {
				$waits = array_merge( $waits, waits_of_address( $address, (bool) $hint ) );
			}
		}
		return array_values( array_unique( $waits ) );
	}
	$id = $attributes['id'] ?? '';
	if ( 'consent-server-js' === $id || ! preg_match( SCRIPTS, trim( $attributes['type'] ?? '' ) ) ) {
		return array();
	}
	$rows   = rows( 'handles' );
	$handle = preg_replace( '/-js(?:-before|-after|-extra|-translations)?\z/', '', $id );
	if ( $waits || isset( $rows[ $handle ] ) ) {
		return $waits ? $waits : $rows[ $handle ];
	}
	return isset( $attributes['src'] ) ? waits_of_address( $attributes['src'] ) : waits_of_text( $text );
}

/**
 * The categories that an inline script waits for, which loads something from addresses that wait.
 *
 * @param string $text of the script.
 * @return string[]
 */
function waits_of_text( string $text ): array {
	$waits = array();
	if ( preg_match( LOADS, $text ) ) {
		preg_match_all( '~(?:https?:)?//[\w.:-]+(?:/[^\s"\'`<>?#]*)?~i', str_replace( '\/', '/', $text ), $addresses );
		foreach ( array_unique( $addresses[0] ) as $address ) {
			$waits = array_merge( $waits, waits_of_address( $address ) );
		}
	}
	return array_values( array_unique( $waits ) );
}

/**
 * The attributes of a tag, of which the first of a name counts.
 *
 * @param string $html what stands between the tag's name and its end.
 * @return array<string, string> by name, lower case.
 */
function attributes( string $html ): array {
	$attributes = array();
	preg_match_all( '~' . ATTRIBUTE . '~A', $html, $parts, PREG_SET_ORDER );
	foreach ( $parts as $part ) {
		$value       = $part[4] ?? $part[3] ?? $part[2] ?? '';
		$attributes += array( strtolower( $part[1] ) => html_entity_decode( $value, ENT_QUOTES | ENT_HTML5, 'UTF-8' ) );
	}
	return $attributes;
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

/**
 * The tag of an element in its held form.
 *
 * @param string                $name       of the tag.
 * @param array<string, string> $attributes as they stood.
 * @param string[]              $for        what it waits for.
 */
function marked( string $name, array $attributes, array $for ): string {
	$form = array();
	if ( 'script' === $name ) {
		$form = array( 'type' => 'text/plain' );
		if ( 'module' === strtolower( trim( $attributes['type'] ?? '' ) ) ) {
			$form['data-type'] = 'module';
		}
		unset( $attributes['type'], $attributes['data-src'], $attributes['data-type'] ); // which would be taken for ours
	}
	$form['data-consent'] = implode( ' ', $for );
	if ( 'script' !== $name && 'link' !== $name ) {
		// A lazy loader would give it, before a yes, the address that it is to have; a placeholder is none.
		foreach ( array_reverse( ADDRESSES ) as $lazy => $address ) {
			if ( $lazy !== $address && isset( $attributes[ $lazy ] ) ) {
				$attributes[ $address ] = $attributes[ $lazy ];
				unset( $attributes[ $lazy ] );
				if ( isset( $attributes['class'] ) ) {
					$attributes['class'] = trim( preg_replace( '/(?<!\S)\S*lazy\S*/i', '', $attributes['class'] ) );
				}
			}
		}
	}
	foreach ( 'script' === $name ? array() : array( 'src', 'srcset', 'href' ) as $address ) {
		if ( isset( $attributes[ $address ] ) ) {
			$form[ "data-$address" ] = $attributes[ $address ];
			unset( $attributes[ $address ] );
		}
	}
	$html = "<$name";
	// Whatever the page is written in, the characters to escape are ASCII, and all others stay as they are.
	foreach ( $form + $attributes as $attribute => $value ) {
		$html .= " $attribute" . ( '' === $value ? '' : '="' . htmlspecialchars( $value, ENT_QUOTES | ENT_HTML401, 'ISO-8859-1' ) . '"' );
	}
	return "$html>";
}
