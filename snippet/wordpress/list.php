<?php
/**
 * The cookie list, as a block and a shortcode, and the button that opens the preferences.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

/** Tell WordPress of them. */
function register_list(): void {
	add_shortcode( 'consent_list', __NAMESPACE__ . '\list_place' );
	add_shortcode( 'consent_settings', __NAMESPACE__ . '\settings_button' );
	wp_register_script( 'consent-server-list', plugins_url( 'list.js', FILE ), array( 'wp-blocks', 'wp-block-editor', 'wp-element' ), '0.1.0', true );
	wp_localize_script(
		'consent-server-list',
		'consentServerList',
		array(
			'title' => __( 'Cookie list', 'consent-server' ),
			'text'  => __( 'Here the page shows the cookie list, and the visitor’s answer to change or take back.', 'consent-server' ),
		)
	);
	register_block_type(
		'consent-server/list',
		array(
			'api_version'     => 2,
			'title'           => __( 'Cookie list', 'consent-server' ),
			'category'        => 'widgets',
			'icon'            => 'list-view',
			'editor_script'   => 'consent-server-list',
			'render_callback' => __NAMESPACE__ . '\list_place',
		)
	);
}

/** The place that becomes the list. */
function list_place(): string {
	return '<div data-consent-list></div>';
}

/**
 * A button that opens the preferences: [consent_settings]Cookie settings[/consent_settings].
 *
 * @param array<string, string>|string $attributes none.
 * @param string|null                  $content    its text.
 */
function settings_button( $attributes, $content = '' ): string {
	$text = trim( wp_strip_all_tags( (string) $content ) );
	return '<button type="button" data-consent-open>' . esc_html( '' === $text ? __( 'Cookie settings', 'consent-server' ) : $text ) . '</button>';
}
