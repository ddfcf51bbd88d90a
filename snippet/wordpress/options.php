<?php
/**
 * What the site's administrator has set: one option, read here and nowhere else.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const OPTION = 'consent_server';

const DEFAULTS = array(
	'server'    => '',
	'site'      => '',
	'cookie'    => 'consent',
	'async'     => false,
	'handles'   => '',
	'addresses' => '',
);

const OPTIONAL = array( 'functional', 'analytics', 'marketing' );

/**
 * One setting.
 *
 * @param string $name a key of DEFAULTS.
 * @return string|bool
 */
function setting( string $name ) {
	$set = get_option( OPTION );
	return is_array( $set ) && isset( $set[ $name ] ) ? $set[ $name ] : DEFAULTS[ $name ];
}

/** Whether it is known where the server is, and which site this is. */
function is_set_up(): bool {
	return '' !== setting( 'server' ) && '' !== setting( 'site' );
}

/** The address below which the server answers for this site, with a slash at its end. */
function site_address(): string {
	return setting( 'server' ) . '/v1/' . setting( 'site' ) . '/';
}

/**
 * The rows of a setting that has one a line: what is named, and the categories that it waits for.
 *
 * @param string $name handles or addresses.
 * @return array<string, string[]> no category: it never waits.
 */
function rows( string $name ): array {
	$rows = array();
	foreach ( preg_split( '/\R/', (string) setting( $name ), -1, PREG_SPLIT_NO_EMPTY ) as $line ) {
		$row = row( $line );
		if ( $row ) {
			$rows[ $row[0] ] = $row[1];
		}
	}
	return $rows;
}

/**
 * One line of such a setting: a name, and one or more categories after it.
 *
 * @param string $line as it was typed.
 * @return array{string, string[]}|null null: it is no such line.
 */
function row( string $line ): ?array {
	$words = preg_split( '/[\s=]+/', trim( $line ), -1, PREG_SPLIT_NO_EMPTY );
	$name  = array_shift( $words );
	if ( null === $name || ! $words || array_diff( $words, OPTIONAL, array( 'necessary' ) ) ) {
		return null;
	}
	return array( $name, array_values( array_intersect( OPTIONAL, $words ) ) );
}
