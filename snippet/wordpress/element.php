<?php
/**
 * One element of a page: what it waits for, and its held form.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

// Where an element may have addresses: an attribute of that name, or one to which a lazy loader moves it, data-…-src.
const ADDRESSES = array(
	'script' => array( 'src', 'href', 'xlink:href' ),
	'iframe' => array( 'src', 'srcdoc' ),
	'img'    => array( 'src', 'srcset' ),
	'source' => array( 'src', 'srcset' ),
	'video'  => array( 'src', 'poster' ),
	'audio'  => array( 'src' ),
	'link'   => array( 'href', 'imagesrcset' ),
);
// What browsers run, the JavaScript MIME types of the MIME Sniffing Standard, section 4.6 ...
const RUNS      = '~\A(?:|module|(?:text|application)/(?:x-)?(?:java|ecma)script|text/(?:javascript1\.[0-5]|jscript|livescript))\z~i';
// ... and what plug-ins that delay scripts make of these until they run them: rocketlazyloadscript, litespeed/javascript.
const DELAYED   = '~script|lazy|delay|defer|psajs|partytown~i';
// Links that have a browser ask for something, or reach a host.
const LINKS     = '~stylesheet|icon|startup-image|manifest|pre(?:load|fetch|connect|render)~i';
// By what a script loads something.
const LOADS     = '~createElement|\bwrite|\bimport\b|\bfrom\s*["\']|\bfetch|XMLHttpRequest|sendBeacon|WebSocket|EventSource|Worker'
	. '|importScripts|\bImage\b|\bAudio\b|\.(?:src|srcset|href)\b|\blocation\b|\bopen\s*\(|setAttribute|\.attr\b|HTML|Fragment'
	. '|insertAdjacent|[Aa]ppend|[Pp]repend|\.(?:html|load|get|post|ajax|after|before)\s*\(|getScript|getJSON|axios'
	. '|\(\s*["\'`]\s*<~';

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
	$waits = 'script' === $name ? waits_of_script( $attributes, $text, $waits ) : waits_of_addresses( $name, $attributes );
	// A mark makes nothing inert that has its address, or its type, all the same; but what is held waits for it too.
	$marks = $waits ? preg_split( '~\s+~', $attributes['data-consent'] ?? '' ) : array();
	return array_values( array_unique( array_merge( $waits, array_intersect( OPTIONAL, $marks ) ) ) );
}

/**
 * The categories that a script waits for: by its handle, else by its addresses and its text.
 *
 * @param array<string, string> $attributes by name, lower case.
 * @param string                $text       of it.
 * @param string[]              $waits      what all scripts here wait for.
 * @return string[]
 */
function waits_of_script( array $attributes, string $text, array $waits ): array {
	$id   = $attributes['id'] ?? '';
	$type = type( $attributes['type'] ?? '' );
	if ( 'consent-server-js' === $id || ! ( preg_match( RUNS, $type ) || preg_match( DELAYED, $type ) ) ) {
		return array();
	}
	$handle = preg_replace( '/-js(?:-before|-after|-extra|-translations|-module)?\z/', '', $id );
	$by_row = rows( 'handles' )[ $handle ] ?? null;
	return $waits ? $waits : ( $by_row ?? array_merge( waits_of_addresses( 'script', $attributes ), waits_of_text( $text ) ) );
}

/**
 * The type of a script, as browsers compare it.
 *
 * @param string $written in its attribute.
 */
function type( string $written ): string {
	return strtolower( trim( decoded( $written ), " \t\n\f\r" ) );
}

/**
 * The categories that the addresses of an element wait for.
 *
 * @param string                $name       of its tag, lower case.
 * @param array<string, string> $attributes by name, lower case.
 * @return string[]
 */
function waits_of_addresses( string $name, array $attributes ): array {
	$rel   = $attributes['rel'] ?? '';
	$hint  = 'link' === $name && preg_match( '/dns-prefetch|preconnect/i', $rel );
	$waits = array();
	foreach ( 'link' !== $name || preg_match( LINKS, $rel ) ? $attributes : array() as $attribute => $value ) {
		$place = place_of( $name, $attribute );
		// What is marked keeps its address where it is inert; a script is by its type.
		$is_inert = $attribute !== $place && 'script' !== $name && isset( $attributes['data-consent'] );
		if ( 'srcdoc' === $place ) {
			$waits = array_merge( $waits, waits_of_named( $value ) );
		} elseif ( '' !== $place && ! $is_inert ) {
			foreach ( 'set' === substr( $place, -3 ) ? preg_split( '~[\s,]+~', $value ) : array( $value ) as $address ) {
				$waits = array_merge( $waits, waits_of_address( $address, (bool) $hint ) );
			}
		}
	}
	return $waits;
}

/**
 * Where the address of an attribute is to stand in the end.
 *
 * @param string $name      of the tag, lower case.
 * @param string $attribute lower case.
 * @return string '' for an attribute that has no address.
 */
function place_of( string $name, string $attribute ): string {
	$place = preg_replace( '~\Adata-(?:.*-)?(?=\w+\z)~s', '', $attribute );
	$place = 'original' === $place ? 'src' : $place;
	return in_array( $place, ADDRESSES[ $name ], true ) ? $place : '';
}

/**
 * The categories that an inline script waits for, which loads something from addresses that wait.
 *
 * @param string $text of the script.
 * @return string[]
 */
function waits_of_text( string $text ): array {
	return preg_match( LOADS, $text ) ? waits_of_named( $text ) : array();
}

/**
 * The categories of all addresses that a text names.
 *
 * @param string $text of a script or a page, in which characters may be written as JavaScript has them.
 * @return string[]
 */
function waits_of_named( string $text ): array {
	$ascii = function ( array $part ): string {
		$code = hexdec( $part[1] );
		return $code < 128 ? chr( $code ) : $part[0];
	};
	$text  = preg_replace_callback( '~\\\\(?|x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]+)\})~i', $ascii, $text );
	$waits = array();
	preg_match_all( '~(?:(?:http|ws)s?:)?//[\w.:-]+(?:/[^\s"\'`<>?#]*)?~i', str_replace( '\/', '/', $text ), $addresses );
	foreach ( array_unique( $addresses[0] ) as $address ) {
		$waits = array_merge( $waits, waits_of_address( $address ) );
	}
	return $waits;
}

/**
 * The tag of an element in its held form.
 *
 * @param string                $name       of the tag.
 * @param array<string, string> $attributes as written.
 * @param string[]              $for        what it waits for.
 * @param bool                  $ends       whether it ends in its own tag.
 */
function marked( string $name, array $attributes, array $for, bool $ends ): string {
	$form = 'script' === $name ? array( 'type' => 'text/plain' ) : array();
	if ( 'script' === $name ) {
		$attributes = undelayed( $attributes );
		if ( 'module' === type( $attributes['type'] ?? '' ) ) {
			$form['data-type'] = 'module';
		}
		unset( $attributes['type'], $attributes['data-src'], $attributes['data-type'] ); // which would be taken for ours
	}
	$form['data-consent'] = implode( ' ', $for );
	foreach ( 'script' === $name ? array() : ADDRESSES[ $name ] as $place ) {
		// A lazy loader would give it, before a yes, the address that it is to have; a placeholder is none.
		$all  = array_filter(
			$attributes,
			function ( string $attribute ) use ( $name, $place ): bool {
				return place_of( $name, $attribute ) === $place;
			},
			ARRAY_FILTER_USE_KEY
		);
		$lazy = array_filter( array_diff_key( $all, array( $place => '' ) ) );
		if ( $all ) {
			$form[ "data-$place" ] = $lazy[ "data-$place" ] ?? current( $lazy ? $lazy : $all );
			$attributes            = array_diff_key( $attributes, $all );
		}
		if ( $lazy && isset( $attributes['class'] ) ) {
			$attributes['class'] = trim( preg_replace( '/(?<!\S)\S*lazy\S*/i', '', $attributes['class'] ) );
		}
	}
	$html = "<$name";
	foreach ( $form + $attributes as $attribute => $value ) {
		$html .= " $attribute" . ( '' === $value ? '' : '="' . str_replace( '"', '&quot;', $value ) . '"' );
	}
	return $html . ( $ends ? '/>' : '>' );
}

/**
 * A script's attributes without what a plug-in did that delays scripts: it keeps address and type elsewhere.
 *
 * @param array<string, string> $attributes as written.
 * @return array<string, string>
 */
function undelayed( array $attributes ): array {
	$is_delayed = ! preg_match( RUNS, type( $attributes['type'] ?? '' ) );
	foreach ( $attributes as $attribute => $value ) {
		if ( ( $is_delayed || isset( $attributes['data-type'] ) ) && 'src' === place_of( 'script', $attribute ) ) {
			$attributes += array( 'src' => $value );
		} elseif ( $is_delayed && preg_match( '~\Adata-.*type\z~', $attribute ) ) {
			$attributes['type'] = $value;
		}
	}
	return $attributes;
}
