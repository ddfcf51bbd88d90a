<?php
/**
 * What the server publishes: the keys that sign tokens, and the revision of what is asked.
 *
 * It is fetched when somebody asks for it, at most once an hour, and after a failure once a minute. The last good answer
 * is kept for as long as the server is away.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const KNOWN       = 'consent_server_known';
const FRESH       = 'consent_server_fresh';
const ASKED_AGAIN = 'consent_server_again';
const LISTED      = 'consent_server_listed';
const SECONDS     = 2;
const LONGEST     = 262144; // Bytes of an answer.

/**
 * What is known of the server; without keys, nothing is allowed.
 *
 * @param bool $again whether to ask although the hour is not over: there may be a new key.
 * @return array{keys: string[], revision: int, fault: string}
 */
function known( bool $again = false ): array {
	$of    = site_address();
	$kept  = get_option( KNOWN );
	$known = is_array( $kept ) && ( $kept['of'] ?? '' ) === $of ? $kept : array( 'keys' => array(), 'revision' => 0 );
	$fresh = get_transient( FRESH );
	$is_of = is_array( $fresh ) && ( $fresh['of'] ?? '' ) === $of;
	if ( $is_of && ! ( $again && ! get_transient( ASKED_AGAIN ) ) ) {
		return with_fault( $known, $fresh['fault'] );
	}
	// Who comes meanwhile does not ask too.
	set_transient( FRESH, array( 'of' => $of, 'fault' => $is_of ? $fresh['fault'] : '' ), MINUTE_IN_SECONDS );
	set_transient( ASKED_AGAIN, 1, MINUTE_IN_SECONDS );
	$answer = fetched();
	if ( $answer['revision'] ) {
		$known = array( 'of' => $of, 'keys' => $answer['keys'], 'revision' => $answer['revision'] );
		update_option( KNOWN, $known, false );
	}
	$seconds = '' === $answer['fault'] ? HOUR_IN_SECONDS : MINUTE_IN_SECONDS;
	set_transient( FRESH, array( 'of' => $of, 'fault' => $answer['fault'] ), $seconds );
	return with_fault( $known, $answer['fault'] );
}

/**
 * What is known, with a fault: who keeps no such site signs no answer of its visitors.
 *
 * @param array<string, mixed> $known what is kept.
 * @param string               $fault its kind.
 * @return array{keys: string[], revision: int, fault: string}
 */
function with_fault( array $known, string $fault ): array {
	return array( 'keys' => 'site' === $fault ? array() : $known['keys'], 'fault' => $fault ) + $known;
}

/**
 * What the server says now.
 *
 * @return array{keys: string[], revision: int, fault: string} a fault is its kind: away, site, untold. No revision: nothing
 *                                                             of it is to be kept.
 */
function fetched(): array {
	$nothing = array( 'keys' => array(), 'revision' => 0 );
	$said    = json_decode( document( setting( 'server' ) . '/v1/keys.json' )[1], true );
	$keys    = array_column( is_array( $said['keys'] ?? null ) ? $said['keys'] : array(), 'x' );
	$keys    = array_values( array_filter( $keys, __NAMESPACE__ . '\is_key' ) );
	if ( ! $keys ) {
		return $nothing + array( 'fault' => 'away' );
	}
	list( $status, $body ) = document( site_address() . 'notice' );
	$revision              = json_decode( $body, true )['revision'] ?? 0;
	if ( ! is_int( $revision ) || $revision < 1 ) {
		return $nothing + array( 'fault' => 404 === $status ? 'site' : 'away' );
	}
	// Where the WP Consent API is, the page's script has to tell it.
	$untold = function_exists( 'wp_has_consent' ) && false === strpos( document( site_address() . 'consent.js' )[1], 'wp_set_consent' );
	return array( 'keys' => $keys, 'revision' => $revision, 'fault' => $untold ? 'untold' : '' );
}

/**
 * What this WordPress is to the server, as browsers name it: scheme, host and port.
 */
function own_origin(): string {
	$home = wp_parse_url( home_url() );
	$own  = strtolower( $home['scheme'] . '://' . $home['host'] ) . ( isset( $home['port'] ) ? ':' . $home['port'] : '' );
	return preg_replace( '/^(http:.*):80$|^(https:.*):443$/', '$1$2', $own );
}

/**
 * Whether the server refuses what visitors of this WordPress answer, as its consent.toml does not list the address here.
 * It is asked by those who look at a page of the administration, as seldom as for the keys.
 */
function is_foreign(): bool {
	if ( preg_match( '/[^ -~]/', own_origin() ) ) {
		return false; // Browsers spell it otherwise, as the server does.
	}
	$of   = site_address() . ' ' . own_origin();
	$kept = get_transient( LISTED );
	if ( ! is_array( $kept ) || $kept['of'] !== $of ) {
		$status = document( site_address() . 'place', array( 'Origin' => own_origin() ) )[0];
		$kept   = array( 'of' => $of, 'is' => 403 === $status );
		set_transient( LISTED, $kept, 200 === $status ? HOUR_IN_SECONDS : MINUTE_IN_SECONDS );
	}
	return $kept['is'];
}

/**
 * What stands at an address, and the status that it came with; 0 where nothing came.
 *
 * @param string                $address whole.
 * @param array<string, string> $headers more of them.
 * @return array{int, string}
 */
function document( string $address, array $headers = array() ): array {
	$answer = wp_remote_get(
		$address,
		array( 'timeout' => SECONDS, 'redirection' => 0, 'limit_response_size' => LONGEST, 'headers' => $headers )
	);
	return array( (int) wp_remote_retrieve_response_code( $answer ), wp_remote_retrieve_body( $answer ) );
}

/** Forget what was fetched of another server or site. */
function forget(): void {
	delete_option( KNOWN );
	delete_transient( FRESH );
	delete_transient( ASKED_AGAIN );
	delete_transient( LISTED );
}
