<?php
defined( 'ABSPATH' ) || exit;

return array(
	'Cookie list' => 'Список файлов cookie',
	'Here the page shows the cookie list, and the visitor’s answer to change or take back.' => 'Здесь страница показывает список файлов cookie и ответ посетителя, который можно изменить или отозвать.',
	'Cookie settings' => 'Настройки файлов cookie',
	'Cookie consent' => 'Согласие на cookie',
	'“%s” is no address of a server: type one such as https://consent.shop.example.' => '«%s» — не адрес сервера: введите, например, https://consent.shop.example.',
	'“%s” is no id of a site: type what stands after “sites.” in the server’s consent.toml, such as shop.' => '«%s» — не идентификатор сайта: введите то, что стоит после «sites.» в файле consent.toml сервера, например shop.',
	'The cookie is called consent, or __Host-consent where consent.toml says host_cookie = true: choose one of them.' => 'Файл cookie называется consent, а если в consent.toml указано host_cookie = true — __Host-consent: введите одно из этих имён.',
	'“%s” is no row: type a handle and what it waits for, functional, analytics or marketing, or necessary for nothing, such as: my-counter analytics' => '«%s» — не строка настройки: введите имя скрипта (handle) и то, чего он ждёт: functional, analytics или marketing, а если ничего — necessary; например: my-counter analytics',
	'“%s” is no row: type a host, with a path if need be, and what it waits for, such as: *.tracker.example analytics' => '«%s» — не строка настройки: введите хост, при необходимости с путём, и то, чего он ждёт, например: *.tracker.example analytics',
	'consent-server holds nothing yet: type the server’s address and the site’s id under Settings, Cookie consent.' => 'consent-server пока ничего не удерживает: введите адрес сервера и идентификатор сайта в настройках, «Согласие на cookie».',
	'PHP has no extension sodium, so consent_allows() answers no to everything optional: ask your host to switch it on.' => 'В PHP нет расширения sodium, поэтому consent_allows() на всё необязательное отвечает «нет»: попросите хостинг включить его.',
	'No consent server answers at %s, so whatever waits stays closed: look whether the address is right and the server runs.' => 'По адресу %s сервер согласий не отвечает, поэтому всё, что ждёт, остаётся закрытым: проверьте, верен ли адрес и работает ли сервер.',
	'The consent server at %1$s knows no site “%2$s”, so whatever waits stays closed: type the id that its consent.toml has.' => 'Сервер согласий по адресу %1$s не знает сайта «%2$s», поэтому всё, что ждёт, остаётся закрытым: введите идентификатор из его consent.toml.',
	'The WP Consent API is not told what visitors answer: add the line %s to the server’s consent.toml.' => 'WP Consent API не узнаёт, что отвечают посетители: добавьте строку %s в consent.toml сервера.',
	'Address of the consent server' => 'Адрес сервера согласий',
	'Id of this site there' => 'Идентификатор этого сайта на нём',
	'Cookie with the answer' => 'Файл cookie с ответом',
	'__Host-consent where consent.toml says host_cookie = true.' => '__Host-consent, если в consent.toml указано host_cookie = true.',
	'Let the page go on while the banner’s script is fetched' => 'Не задерживать страницу, пока загружается скрипт баннера',
	'Addresses that only consent.toml names are then not held.' => 'Тогда адреса, названные только в consent.toml, не удерживаются.',
	'Scripts by handle' => 'Скрипты по имени (handle)',
	'One a line: a handle and functional, analytics or marketing; necessary never waits.' => 'По одному в строке: имя и functional, analytics или marketing; necessary не ждёт никогда.',
	'More addresses' => 'Другие адреса',
	'One a line: a host, with a path if need be, and what it waits for. They come before the services that the plug-in knows.' => 'По одному в строке: хост, при необходимости с путём, и то, чего он ждёт. Они важнее сервисов, которые плагин знает сам.',
);
