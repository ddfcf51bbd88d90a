<?php
defined( 'ABSPATH' ) || exit;

return array(
	'Cookie list' => 'Çerez listesi',
	'Here the page shows the cookie list, and the visitor’s answer to change or take back.' => 'Sayfa burada çerez listesini ve ziyaretçinin değiştirebileceği ya da geri alabileceği yanıtını gösterir.',
	'Cookie settings' => 'Çerez ayarları',
	'Cookie consent' => 'Çerez onayı',
	'“%s” is no address of a server: type one such as https://consent.shop.example.' => '“%s” bir sunucu adresi değil: örneğin https://consent.shop.example yazın.',
	'“%s” is no id of a site: type what stands after “sites.” in the server’s consent.toml, such as shop.' => '“%s” bir site kimliği değil: sunucunun consent.toml dosyasında “sites.” sözünden sonra geleni yazın, örneğin shop.',
	'The cookie is called consent, or __Host-consent where consent.toml says host_cookie = true: choose one of them.' => 'Çerezin adı consent, consent.toml dosyasında host_cookie = true yazıyorsa __Host-consent olur: ikisinden birini yazın.',
	'“%s” is no row: type a handle and what it waits for, functional, analytics or marketing, or necessary for nothing, such as: my-counter analytics' => '“%s” bir satır değil: betiğin adını (handle) ve neyi beklediğini yazın: functional, analytics ya da marketing, hiçbir şeyi beklemiyorsa necessary; örneğin: my-counter analytics',
	'“%s” is no row: type a host, with a path if need be, and what it waits for, such as: *.tracker.example analytics' => '“%s” bir satır değil: ana makineyi (gerekirse yoluyla) ve neyi beklediğini yazın, örneğin: *.tracker.example analytics',
	'consent-server holds nothing yet: type the server’s address and the site’s id under Settings, Cookie consent.' => 'consent-server henüz hiçbir şeyi tutmuyor: Ayarlar, Çerez onayı altında sunucunun adresini ve sitenin kimliğini yazın.',
	'PHP has no extension sodium, so consent_allows() answers no to everything optional: ask your host to switch it on.' => 'PHP’de sodium eklentisi yok, bu yüzden consent_allows() zorunlu olmayan her şeye hayır der: barındırma hizmetinizden eklentiyi açmasını isteyin.',
	'No consent server answers at %s, so whatever waits stays closed: look whether the address is right and the server runs.' => '%s adresinde bir onay sunucusu yanıt vermiyor, bu yüzden bekleyen her şey kapalı kalır: adresin doğru olduğuna ve sunucunun çalıştığına bakın.',
	'The consent server at %1$s knows no site “%2$s”, so whatever waits stays closed: type the id that its consent.toml has.' => '%1$s adresindeki onay sunucusu “%2$s” sitesini tanımıyor, bu yüzden bekleyen her şey kapalı kalır: consent.toml dosyasındaki kimliği yazın.',
	'The WP Consent API is not told what visitors answer: add the line %s to the server’s consent.toml.' => 'WP Consent API ziyaretçilerin ne yanıt verdiğini öğrenmiyor: sunucunun consent.toml dosyasına %s satırını ekleyin.',
	'Address of the consent server' => 'Onay sunucusunun adresi',
	'Id of this site there' => 'Bu sitenin oradaki kimliği',
	'Cookie with the answer' => 'Yanıtın saklandığı çerez',
	'__Host-consent where consent.toml says host_cookie = true.' => 'consent.toml dosyasında host_cookie = true yazıyorsa __Host-consent.',
	'Let the page go on while the banner’s script is fetched' => 'Afişin betiği alınırken sayfa devam etsin',
	'Addresses that only consent.toml names are then not held.' => 'O zaman yalnızca consent.toml dosyasında geçen adresler tutulmaz.',
	'Scripts by handle' => 'Adına (handle) göre betikler',
	'One a line: a handle and functional, analytics or marketing; necessary never waits.' => 'Her satıra bir tane: ad ve functional, analytics ya da marketing; necessary hiç beklemez.',
	'More addresses' => 'Başka adresler',
	'One a line: a host, with a path if need be, and what it waits for. They come before the services that the plug-in knows.' => 'Her satıra bir tane: ana makine (gerekirse yoluyla) ve neyi beklediği. Bunlar, eklentinin bildiği hizmetlerden önce gelir.',
);
