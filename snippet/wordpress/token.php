<?php
/**
 * The visitor's answer, as the server signed it.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

/** Whether signatures can be checked. WordPress has a stand-in for the extension, which takes too long for each page. */
function can_verify(): bool {
	return extension_loaded( 'sodium' ) && function_exists( 'sodium_crypto_sign_verify_detached' );
}

/**
 * The bytes that base64url stands for.
 *
 * @param string $text without padding.
 */
function bytes( string $text ): string {
	return (string) base64_decode( strtr( $text, '-_', '+/' ), true );
}

/**
 * Whether something is a public key: 32 bytes.
 *
 * @param mixed $key what was published.
 */
function is_key( $key ): bool {
	return is_string( $key ) && 1 === preg_match( '/\A[\w-]{43}\z/', $key ) && 32 === strlen( bytes( $key ) );
}

/**
 * What a token says.
 *
 * @param string   $token as the cookie has it.
 * @param string[] $keys  public ones, in base64url.
 * @return array<string, mixed>|null null: none of the keys signed it.
 */
function signed( string $token, array $keys ): ?array {
	// Of the spellings that base64 allows for 64 bytes, only the one that the server wrote counts.
	if ( ! preg_match( '/\A([\w-]+)\.([\w-]{85}[AQgw])\z/', $token, $parts ) ) {
		return null;
	}
	foreach ( $keys as $key ) {
		if ( sodium_crypto_sign_verify_detached( bytes( $parts[2] ), $parts[1], bytes( $key ) ) ) {
			return json_decode( bytes( $parts[1] ), true );
		}
	}
	return null;
}

/**
 * Whether what a signed token says holds for this site, and now.
 *
 * @param array<string, mixed> $said     what `signed` returned.
 * @param string               $site     the site's id.
 * @param int                  $revision what is asked now; answers to what was asked before no longer hold.
 * @param int                  $now      seconds since 1970.
 */
function holds( array $said, string $site, int $revision, int $now ): bool {
	return 'consent' === $said['typ'] && $site === $said['site'] && $said['exp'] > $now && $said['rev'] >= $revision;
}

/**
 * The texts of all cookies of that name: a browser may send several, and PHP keeps one.
 *
 * @param string $name   of the cookie.
 * @param string $header of the request.
 * @return string[] four at most: each is checked against each key.
 */
function cookies( string $name, string $header ): array {
	preg_match_all( '/(?:^|;)\s*' . preg_quote( $name, '/' ) . '=\s*"?([\w.-]+)/', $header, $found );
	return array_slice( array_unique( $found[1] ), 0, 4 );
}

/**
 * Whether an answer to this shop is on its way to the server: it is newer than any that the server has signed.
 *
 * @param string $name   of the cookie.
 * @param string $header of the request.
 * @param string $site   the shop's id.
 */
function waits( string $name, string $header, string $site ): bool {
	$of = preg_quote( '%22site%22%3A%22' . $site . '%22', '/' );
	return 1 === preg_match( '/(?:^|;)\s*' . preg_quote( $name, '/' ) . '=~[^;]*' . $of . '/', $header );
}

/**
 * The optional categories that the visitor allows: by the newest answer, and of two of one time by the stricter.
 *
 * @return string[] none where there is no answer that holds.
 */
function allowed(): array {
	static $last = array();
	// Caches of whole pages heed this: what is made of the answer is one visitor's.
	defined( 'DONOTCACHEPAGE' ) || define( 'DONOTCACHEPAGE', true );
	$header = isset( $_SERVER['HTTP_COOKIE'] ) ? (string) wp_unslash( $_SERVER['HTTP_COOKIE'] ) : ''; // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- What is no token is refused.
	$tokens = is_set_up() && can_verify() ? cookies( setting( 'cookie' ), $header ) : array();
	if ( ! $tokens || waits( setting( 'cookie' ), $header, setting( 'site' ) ) ) {
		return array();
	}
	if ( ( $last['of'] ?? null ) !== $header ) {
		$known  = known();
		$newest = null;
		$first  = array();
		foreach ( $tokens as $token ) {
			$said = signed( $token, $known['keys'] );
			if ( null === $said && false !== strpos( $token, '.' ) ) {
				$known = known( true );
				$said  = signed( $token, $known['keys'] );
			}
			if ( null === $said || ! holds( $said, setting( 'site' ), $known['revision'], time() ) ) {
				continue;
			}
			// A refusal says only its hour: of two that cannot be ordered the stricter counts, as in the page.
			$order = array( $said['at'] + ( $said['allow'] ? 0 : 3599 ), -count( $said['allow'] ) );
			if ( null === $newest || $order > $first ) {
				list( $newest, $first ) = array( $said, $order );
			}
		}
		$last = array( 'of' => $header, 'allow' => $newest ? $newest['allow'] : array() );
	}
	return $last['allow'];
}
