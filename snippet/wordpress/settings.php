<?php
/**
 * The page under Settings, and what the administrator is told.
 *
 * @package consent-server
 */

namespace ConsentServer;

defined( 'ABSPATH' ) || exit;

const PAGE   = 'consent-server';
const HANDLE = '~\A[\w.:/@-]+\z~';

/** Tell WordPress how the option is read; its own form checks nonce and capability. */
function register_settings(): void {
	register_setting( PAGE, OPTION, array( 'type' => 'array', 'sanitize_callback' => __NAMESPACE__ . '\read_form' ) );
}

/** The page's place in the menu. */
function add_page(): void {
	add_options_page( 'consent-server', __( 'Cookie consent', 'consent-server' ), 'manage_options', PAGE, __NAMESPACE__ . '\draw_page' );
}

/**
 * What is kept of a form: a field that is wrong keeps what it was, and a sentence says what to type.
 *
 * @param mixed $form as it was sent.
 * @return array<string, string|bool>
 */
function read_form( $form ): array {
	$kept = array();
	foreach ( array_keys( DEFAULTS ) as $name ) {
		$kept[ $name ] = setting( $name );
	}
	if ( ! is_array( $form ) || ! current_user_can( 'manage_options' ) ) {
		return $kept;
	}
	$kept['async'] = ! empty( $form['async'] );
	foreach ( array( 'server', 'site', 'cookie', 'handles', 'addresses' ) as $name ) {
		$text  = is_string( $form[ $name ] ?? null ) ? sanitize_textarea_field( $form[ $name ] ) : $kept[ $name ];
		$text  = 'server' === $name ? untrailingslashit( trim( $text ) ) : trim( $text );
		$fault = '' === $text && 'cookie' !== $name ? '' : fault_of( $name, $text );
		if ( '' === $fault ) {
			$kept[ $name ] = $text;
		} else {
			add_settings_error( OPTION, $name, esc_html( $fault ) );
		}
	}
	if ( $kept['server'] !== setting( 'server' ) || $kept['site'] !== setting( 'site' ) ) {
		forget();
	}
	return $kept;
}

/**
 * What is wrong with a field, in one sentence that says what to type.
 *
 * @param string $name of the setting.
 * @param string $text that was typed.
 */
function fault_of( string $name, string $text ): string {
	if ( 'server' === $name && ! preg_match( '~\Ahttps?://[\w.-]+(?::\d+)?(?:/[\w./-]*)?\z~', $text ) ) {
		/* translators: %s: what was typed. */
		return sprintf( __( '“%s” is no address of a server: type one such as https://consent.shop.example.', 'consent-server' ), $text );
	}
	if ( 'site' === $name && ! preg_match( '/\A[a-z0-9][a-z0-9-]{0,31}\z/', $text ) ) {
		/* translators: %s: what was typed. */
		return sprintf( __( '“%s” is no id of a site: type what stands after “sites.” in the server’s consent.toml, such as shop.', 'consent-server' ), $text );
	}
	if ( 'cookie' === $name && ! in_array( $text, array( 'consent', '__Host-consent' ), true ) ) {
		return __( 'The cookie is called consent, or __Host-consent where consent.toml says host_cookie = true: choose one of them.', 'consent-server' );
	}
	foreach ( 'handles' === $name || 'addresses' === $name ? preg_split( '/\R/', $text, -1, PREG_SPLIT_NO_EMPTY ) : array() as $line ) {
		$row = row( $line );
		if ( '' === trim( $line ) || ( $row && preg_match( 'handles' === $name ? HANDLE : PATTERN, $row[0] ) ) ) {
			continue;
		}
		return 'handles' === $name
			/* translators: %s: a line. */
			? sprintf( __( '“%s” is no row: type a handle and what it waits for, functional, analytics or marketing, or necessary for nothing, such as: my-counter analytics', 'consent-server' ), $line )
			/* translators: %s: a line. */
			: sprintf( __( '“%s” is no row: type a host, with a path if need be, and what it waits for, such as: *.tracker.example analytics', 'consent-server' ), $line );
	}
	return '';
}

/**
 * What keeps the plug-in from its work, a sentence each.
 *
 * @return string[]
 */
function faults(): array {
	if ( ! is_set_up() ) {
		return array( __( 'consent-server holds nothing yet: type the server’s address and the site’s id under Settings, Cookie consent.', 'consent-server' ) );
	}
	$faults = array();
	if ( ! can_verify() ) {
		$faults[] = __( 'PHP has no extension sodium, so consent_allows() answers no to everything optional: ask your host to switch it on.', 'consent-server' );
	}
	$fault = known()['fault'];
	if ( 'away' === $fault ) {
		/* translators: %s: an address. */
		$faults[] = sprintf( __( 'No consent server answers at %s, so whatever waits stays closed: look whether the address is right and the server runs.', 'consent-server' ), setting( 'server' ) );
	} elseif ( 'site' === $fault ) {
		/* translators: 1: an address, 2: what was typed. */
		$faults[] = sprintf( __( 'The consent server at %1$s knows no site “%2$s”, so whatever waits stays closed: type the id that its consent.toml has.', 'consent-server' ), setting( 'server' ), setting( 'site' ) );
	} elseif ( 'untold' === $fault ) {
		/* translators: %s: a line of consent.toml. */
		$faults[] = sprintf( __( 'The WP Consent API is not told what visitors answer: add the line %s to the server’s consent.toml.', 'consent-server' ), '[sites.' . setting( 'site' ) . '.vendors.wordpress]' );
	}
	if ( in_array( $fault, array( '', 'untold' ), true ) && is_foreign() ) {
		/* translators: 1: an address, 2: what was typed. */
		$faults[] = sprintf( __( 'The consent server refuses what visitors answer here: write "%1$s" into origins of [sites.%2$s] in its consent.toml, and reload it.', 'consent-server' ), own_origin(), setting( 'site' ) );
	}
	return $faults;
}

/** Say that to those who can do something about it. */
function say_faults(): void {
	foreach ( current_user_can( 'manage_options' ) ? faults() : array() as $fault ) {
		echo '<div class="notice notice-error consent-server-fault"><p>' . esc_html( $fault ) . '</p></div>';
	}
}

/** The page. */
function draw_page(): void {
	if ( ! current_user_can( 'manage_options' ) ) {
		return;
	}
	echo '<div class="wrap"><h1>' . esc_html__( 'Cookie consent', 'consent-server' ) . '</h1><form method="post" action="options.php">';
	settings_fields( PAGE );
	echo '<table class="form-table" role="presentation">';
	draw_field( 'server', __( 'Address of the consent server', 'consent-server' ), 'https://consent.shop.example' );
	draw_field( 'site', __( 'Id of this site there', 'consent-server' ), 'shop' );
	draw_field( 'cookie', __( 'Cookie with the answer', 'consent-server' ), __( '__Host-consent where consent.toml says host_cookie = true.', 'consent-server' ) );
	draw_field( 'async', __( 'Let the page go on while the banner’s script is fetched', 'consent-server' ), __( 'Addresses that only consent.toml names are then not held.', 'consent-server' ) );
	draw_field( 'handles', __( 'Scripts by handle', 'consent-server' ), __( 'One a line: a handle and functional, analytics or marketing; necessary never waits.', 'consent-server' ) );
	draw_field( 'addresses', __( 'More addresses', 'consent-server' ), __( 'One a line: a host, with a path if need be, and what it waits for. They come before the services that the plug-in knows.', 'consent-server' ) );
	echo '</table>';
	submit_button();
	echo '</form></div>';
}

/**
 * One field.
 *
 * @param string $name  of the setting.
 * @param string $label what it is.
 * @param string $help  what to type.
 */
function draw_field( string $name, string $label, string $help ): void {
	$value = setting( $name );
	$id    = "consent-server-$name";
	$as    = OPTION . "[$name]";
	echo '<tr><th scope="row"><label for="' . esc_attr( $id ) . '">' . esc_html( $label ) . '</label></th><td>';
	if ( 'async' === $name ) {
		echo '<input type="checkbox" value="1" id="' . esc_attr( $id ) . '" name="' . esc_attr( $as ) . '"' . checked( $value, true, false ) . '>';
	} elseif ( 'handles' === $name || 'addresses' === $name ) {
		echo '<textarea rows="5" class="large-text code" id="' . esc_attr( $id ) . '" name="' . esc_attr( $as ) . '">' . esc_textarea( $value ) . '</textarea>';
	} else {
		echo '<input type="text" class="regular-text code" id="' . esc_attr( $id ) . '" name="' . esc_attr( $as ) . '" value="' . esc_attr( $value ) . '">';
	}
	echo '<p class="description">' . esc_html( $help ) . '</p></td></tr>';
}
