<?php
/**
 * Plugin Name:       consent-server
 * Description:       The banner, the cookie list, and what the services that it knows load by way of other plug-ins and the theme waits for a visitor’s yes.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * Author:            The consent-server authors
 * License:           MIT
 * License URI:       https://spdx.org/licenses/MIT.html
 * Text Domain:       consent-server
 *
 * MIT is compatible with the GPL, versions 2 and 3, under which WordPress stands.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const FILE = __FILE__;

require __DIR__ . '/options.php';
require __DIR__ . '/words.php';
require __DIR__ . '/server.php';
require __DIR__ . '/token.php';
require __DIR__ . '/addresses.php';
require __DIR__ . '/tree.php';
require __DIR__ . '/page.php';
require __DIR__ . '/element.php';
require __DIR__ . '/gate.php';
require __DIR__ . '/list.php';
require __DIR__ . '/consent-api.php';
require __DIR__ . '/settings.php';
require __DIR__ . '/functions.php';

add_filter( 'gettext_consent-server', __NAMESPACE__ . '\translated', 10, 2 );
add_action( 'init', __NAMESPACE__ . '\register_list' );
add_action( 'admin_init', __NAMESPACE__ . '\register_settings' );
add_action( 'admin_menu', __NAMESPACE__ . '\add_page' );
add_action( 'admin_notices', __NAMESPACE__ . '\say_faults' );

// Before it is told where the server is, the plug-in holds nothing, as nothing would ever release it.
if ( is_set_up() ) {
	add_action( 'template_redirect', __NAMESPACE__ . '\open_gate', PHP_INT_MIN );
	register_consent_manager();
}
