<?php
defined( 'ABSPATH' ) || exit;

return array(
	'Cookie list' => 'Cookie siyahısı',
	'Here the page shows the cookie list, and the visitor’s answer to change or take back.' => 'Səhifə burada cookie siyahısını və ziyarətçinin dəyişə və ya geri götürə biləcəyi cavabını göstərir.',
	'Cookie settings' => 'Cookie tənzimləmələri',
	'Cookie consent' => 'Cookie razılığı',
	'“%s” is no address of a server: type one such as https://consent.shop.example.' => '“%s” server ünvanı deyil: məsələn, https://consent.shop.example yazın.',
	'“%s” is no id of a site: type what stands after “sites.” in the server’s consent.toml, such as shop.' => '“%s” saytın identifikatoru deyil: serverin consent.toml faylında “sites.” sözündən sonra duranı yazın, məsələn: shop.',
	'The cookie is called consent, or __Host-consent where consent.toml says host_cookie = true: choose one of them.' => 'Cookie-nin adı consent, consent.toml faylında host_cookie = true olduqda isə __Host-consent-dir: bunlardan birini yazın.',
	'“%s” is no row: type a handle and what it waits for, functional, analytics or marketing, or necessary for nothing, such as: my-counter analytics' => '“%s” sətir deyil: skriptin adını (handle) və nəyi gözlədiyini yazın: functional, analytics və ya marketing, heç nə gözləmirsə necessary; məsələn: my-counter analytics',
	'“%s” is no row: type a host, with a path if need be, and what it waits for, such as: *.tracker.example analytics' => '“%s” sətir deyil: hostu (lazım gələrsə yol ilə) və nəyi gözlədiyini yazın, məsələn: *.tracker.example analytics',
	'consent-server holds nothing yet: type the server’s address and the site’s id under Settings, Cookie consent.' => 'consent-server hələ heç nəyi saxlamır: “Cookie razılığı” parametrlərində serverin ünvanını və saytın identifikatorunu yazın.',
	'PHP has no extension sodium, so consent_allows() answers no to everything optional: ask your host to switch it on.' => 'PHP-də sodium genişlənməsi yoxdur, ona görə consent_allows() məcburi olmayan hər şeyə “yox” deyir: hostinqinizdən onu qoşmağı xahiş edin.',
	'No consent server answers at %s, so whatever waits stays closed: look whether the address is right and the server runs.' => '%s ünvanında razılıq serveri cavab vermir, ona görə gözləyən hər şey bağlı qalır: ünvanın düzgün olduğunu və serverin işlədiyini yoxlayın.',
	'The consent server at %1$s knows no site “%2$s”, so whatever waits stays closed: type the id that its consent.toml has.' => '%1$s ünvanındakı razılıq serveri “%2$s” saytını tanımır, ona görə gözləyən hər şey bağlı qalır: onun consent.toml faylındakı identifikatoru yazın.',
	'The WP Consent API is not told what visitors answer: add the line %s to the server’s consent.toml.' => 'WP Consent API ziyarətçilərin cavabını bilmir: serverin consent.toml faylına %s sətrini əlavə edin.',
	'Address of the consent server' => 'Razılıq serverinin ünvanı',
	'Id of this site there' => 'Bu saytın oradakı identifikatoru',
	'Cookie with the answer' => 'Cavabın saxlandığı cookie',
	'__Host-consent where consent.toml says host_cookie = true.' => 'consent.toml faylında host_cookie = true olduqda __Host-consent.',
	'Let the page go on while the banner’s script is fetched' => 'Banner skripti yüklənərkən səhifə davam etsin',
	'Addresses that only consent.toml names are then not held.' => 'Onda yalnız consent.toml faylında göstərilən ünvanlar saxlanılmır.',
	'Scripts by handle' => 'Skriptlər, adına (handle) görə',
	'One a line: a handle and functional, analytics or marketing; necessary never waits.' => 'Hər sətirdə biri: ad və functional, analytics və ya marketing; necessary heç vaxt gözləmir.',
	'More addresses' => 'Başqa ünvanlar',
	'One a line: a host, with a path if need be, and what it waits for. They come before the services that the plug-in knows.' => 'Hər sətirdə biri: host (lazım gələrsə yol ilə) və nəyi gözlədiyi. Bunlar plaginin tanıdığı xidmətlərdən üstündür.',
);
