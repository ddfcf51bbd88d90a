<?php
/**
 * What themes and other plug-ins may call.
 *
 * @package consent-server
 */

defined( 'ABSPATH' ) || exit;

if ( ! function_exists( 'consent_allows' ) ) {
	/**
	 * Whether the visitor who asks for this page allows a category, by an answer that the consent server has signed.
	 *
	 * A page that asks this says something else to each visitor, and must not be kept by a cache for all of them.
	 *
	 * @param string $category necessary, functional, analytics or marketing.
	 */
	function consent_allows( string $category ): bool {
		return 'necessary' === $category || in_array( $category, ConsentServer\allowed(), true );
	}
}
