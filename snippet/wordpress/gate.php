<?php
/**
 * The gate: our tag first in the head, and the pages and scripts that go through it.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

/** Hold what a page of the site brings; a feed, and a post embedded elsewhere, have no tag that would release it. */
function open_gate(): void {
	if ( is_feed() || is_embed() || is_robots() || is_trackback() ) {
		return;
	}
	add_action( 'wp_head', __NAMESPACE__ . '\print_tag', PHP_INT_MIN );
	add_filter( 'script_loader_tag', __NAMESPACE__ . '\held_handle', PHP_INT_MAX, 2 );
	open_buffer();
	// What delays scripts has a buffer between these two, and makes of them what only it can read.
	add_action( 'template_redirect', __NAMESPACE__ . '\open_buffer', PHP_INT_MAX );
}

/** Look at what is printed from here on, once all of it is there: a part of a page could end within a tag. */
function open_buffer(): void {
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
	// An answer in JSON may say that it is HTML; and of two buffers the second has nothing to do if nobody came between.
	static $held = null;
	if ( $html !== $held && null === json_decode( $html ) ) {
		$held = held( $html );
		return $held;
	}
	return $html;
}

/** Print our tag, with the marks that delayers of scripts heed: Cloudflare, WP Rocket, Autoptimize, and LiteSpeed's two. */
function print_tag(): void {
	wp_print_script_tag(
		array(
			'data-cfasync'     => 'false',
			'nowprocket'       => true,
			'data-noptimize'   => '1',
			'data-no-optimize' => '1',
			'data-no-defer'    => '1',
			'id'               => 'consent-server-js',
			'src'              => esc_url_raw( site_address() . 'consent.js' ),
			'async'            => (bool) setting( 'async' ),
		)
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
function waits_of_handle( string $handle, array &$asked = array() ): array {
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
