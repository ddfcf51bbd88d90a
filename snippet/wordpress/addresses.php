<?php
/**
 * What an address waits for: by the administrator's rows, else by the services of the catalogue.
 *
 * A pattern is written as in the trackers of consent.toml: a host or *.host, with a port or a path if need be, and * at
 * the path's end.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const PATTERN = '/\A(?<host>(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)(?::(?<port>\d+))?(?<path>\/[^\s*]*\*?)?\z/';

/**
 * The categories that an address waits for.
 *
 * @param string $address as the page has it.
 * @param bool   $is_host whether it stands for its host, which the browser is to reach beforehand.
 * @return string[] none: it waits for nothing.
 */
function waits_of_address( string $address, bool $is_host = false ): array {
	static $catalogue = null, $own = array(), $rows = null;
	$place = place( $address );
	if ( ! $place ) {
		return array();
	}
	$place[2] = $is_host ? '' : $place[2];
	if ( setting( 'addresses' ) !== $rows ) {
		$rows = setting( 'addresses' );
		$own  = indexed( rows( 'addresses' ) );
	}
	$found = found( $own, $place );
	if ( null === $found ) {
		$catalogue = $catalogue ?? indexed( require __DIR__ . '/catalogue.php' );
		$found     = found( $catalogue, $place );
	}
	return $found ?? array();
}

/**
 * Rules by host, so that an address is held against few of them.
 *
 * @param array<string, string|string[]> $patterns what each waits for.
 * @return array<string, array<array{string, string, string[]}>> port, path and categories.
 */
function indexed( array $patterns ): array {
	$by_host = array();
	foreach ( $patterns as $pattern => $categories ) {
		if ( preg_match( PATTERN, $pattern, $part ) ) {
			$by_host[ $part['host'] ][] = array( $part['port'] ?? '', $part['path'] ?? '', (array) $categories );
		}
	}
	return $by_host;
}

/**
 * The categories of all rules that match.
 *
 * @param array<string, array<array{string, string, string[]}>> $rules of `indexed`.
 * @param array{string, string, string}                          $place of `place`; without a path, all of the host's match.
 * @return string[]|null null: no rule matches.
 */
function found( array $rules, array $place ): ?array {
	list( $host, $port, $path ) = $place;
	$names = array( $host );
	for ( $rest = $host; false !== $rest; $rest = false === $dot ? false : substr( $rest, $dot + 1 ) ) {
		$names[] = "*.$rest";
		$dot     = strpos( $rest, '.' );
	}
	$found = null;
	foreach ( array_intersect_key( $rules, array_flip( $names ) ) as $of_host ) {
		foreach ( $of_host as list( $its_port, $its_path, $categories ) ) {
			$start = rtrim( $its_path, '*' );
			$meets = '' === $its_path || '' === $path || ( $start === $its_path ? $start === $path : 0 === strpos( $path, $start ) );
			if ( $meets && ( '' === $its_port || $its_port === $port ) ) {
				$found = array_merge( $found ?? array(), $categories );
			}
		}
	}
	return null === $found ? null : array_values( array_unique( $found ) );
}

/**
 * Host, port and path of an address, read as leniently as browsers read it; the query says nothing.
 *
 * @param string $address whole, or without its scheme.
 * @return array{string, string, string}|null null: it leads to no other host.
 */
function place( string $address ): ?array {
	$plain = str_replace( '\\', '/', trim( preg_replace( '/[\t\r\n]+/', '', $address ), "\x00..\x20" ) );
	if ( ! preg_match( '~\A(?:(?:http|ws)s?:/*|//+)(?:[^/?#]*@)?([^/?#:]+)(?::(\d+))?(/[^?#]*)?~i', $plain, $part ) ) {
		return null;
	}
	return array( rtrim( strtolower( rawurldecode( $part[1] ) ), '.' ), $part[2] ?? '', $part[3] ?? '/' );
}
