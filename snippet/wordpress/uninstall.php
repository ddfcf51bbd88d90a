<?php
/**
 * Takes away whatever the plug-in has kept, when it is deleted.
 *
 * @package consent-server
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

$consent_server_sites = is_multisite() ? get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) : array( get_current_blog_id() );
foreach ( $consent_server_sites as $consent_server_site ) {
	if ( is_multisite() ) {
		switch_to_blog( $consent_server_site );
	}
	delete_option( 'consent_server' );
	delete_option( 'consent_server_known' );
	delete_transient( 'consent_server_fresh' );
	delete_transient( 'consent_server_again' );
	delete_transient( 'consent_server_listed' );
	if ( is_multisite() ) {
		restore_current_blog();
	}
}
