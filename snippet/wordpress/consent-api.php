<?php
/**
 * The plug-in WP Consent API, where it is there: other plug-ins ask it, and it is told by us.
 *
 * In the page `[sites.ID.vendors.wordpress]` of the server's consent.toml tells it; here it hears the token.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

/** Be the site's consent manager: everything optional waits for a yes. */
function register_consent_manager(): void {
	add_filter( 'wp_consent_api_registered_' . plugin_basename( FILE ), '__return_true' );
	add_filter( 'wp_get_consent_type', __NAMESPACE__ . '\consent_type' );
	add_filter( 'wp_has_consent', __NAMESPACE__ . '\has_consent', 10, 2 );
	add_filter( 'wp_has_service_consent', __NAMESPACE__ . '\has_service_consent', 10, 2 );
}

/** The type of consent, in the words of that plug-in. */
function consent_type(): string {
	return 'optin';
}

/**
 * What the visitor's token says, whatever that plug-in's own cookies say.
 *
 * @param bool         $has      what they say.
 * @param string|false $category in the words of that plug-in: its functional is our necessary.
 */
function has_consent( $has, $category ): bool {
	$ours = array(
		'functional'           => 'necessary',
		'preferences'          => 'functional',
		'statistics'           => 'analytics',
		'statistics-anonymous' => 'analytics',
		'marketing'            => 'marketing',
	);
	return isset( $ours[ $category ] ) && consent_allows( $ours[ $category ] );
}

/**
 * What is said of a single service: a yes counts only where its category is allowed. That plug-in asks this in version 2.0.1
 * where a cookie of its own, which anybody can write, names the service (its inc/api-functions.php).
 *
 * @param bool   $has     what that cookie says.
 * @param string $service as plug-ins have named it.
 */
function has_service_consent( $has, $service ): bool {
	return $has && has_consent( true, \WP_Consent_API::$cookie_info->get_service_category( (string) $service ) );
}
