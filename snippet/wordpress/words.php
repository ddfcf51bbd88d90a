<?php
/**
 * The plug-in's words in the languages that it brings. A translation that WordPress itself has comes first.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

/**
 * The text in the language of the page, or of the administrator.
 *
 * @param string $translation what WordPress found.
 * @param string $text        the English text.
 */
function translated( string $translation, string $text ): string {
	static $all = array();
	if ( $translation !== $text ) {
		return $translation;
	}
	$language = strtok( determine_locale(), '_' );
	if ( ! isset( $all[ $language ] ) ) {
		$file             = __DIR__ . "/words/$language.php";
		$all[ $language ] = preg_match( '/\A[a-z]{2,3}\z/', $language ) && is_file( $file ) ? require $file : array();
	}
	return $all[ $language ][ $text ] ?? $text;
}
