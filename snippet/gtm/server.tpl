___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "MACRO",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "consent-server: allowed",
  "categories": [
    "UTILITY"
  ],
  "description": "Whether the shopper whose request this is allows a category: true or false, as your own consent server says of the cookie's token. Anything that goes wrong is false.",
  "containerContexts": [
    "SERVER"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "server",
    "displayName": "Consent server",
    "simpleValueType": true,
    "help": "Its address, such as https://consent.shop.example, or https://shop.example/consent where it is a path of the shop.",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^https://[^\\s?#]+$"
        ]
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "site",
    "displayName": "Site",
    "simpleValueType": true,
    "help": "The shop's id in consent.toml.",
    "valueValidators": [
      {
        "type": "NON_EMPTY"
      },
      {
        "type": "REGEX",
        "args": [
          "^[a-z0-9][a-z0-9-]{0,31}$"
        ]
      }
    ]
  },
  {
    "type": "SELECT",
    "name": "category",
    "displayName": "Category",
    "macrosInSelect": false,
    "simpleValueType": true,
    "selectItems": [
      {
        "value": "functional",
        "displayValue": "functional"
      },
      {
        "value": "analytics",
        "displayValue": "analytics"
      },
      {
        "value": "marketing",
        "displayValue": "marketing"
      }
    ],
    "help": "What must be allowed."
  }
]


___SANDBOXED_JS_FOR_SERVER___

// Licensed under the Apache License, Version 2.0; see the LICENSE file beside this template.
const getCookieValues = require('getCookieValues');
const sendHttpRequest = require('sendHttpRequest');

const server = data.server.slice(-1) === '/' ? data.server.slice(0, -1) : data.server;
const url = server + '/v1/' + data.site + '/allows/' + data.category;

// The name that no other host can set goes first. Whatever a cookie says, the consent server has the last word.
const own = getCookieValues('__Host-consent', true);
const name = own.length ? '__Host-consent' : 'consent';
const cookies = own.length ? own : getCookieValues(name, true);

// Of several the consent server knows which is the newest. An answer to this shop that still waits for it is newer than any.
const waits = (cookie) => cookie[0] === '~' && cookie.indexOf('%22site%22%3A%22' + data.site + '%22') !== -1;
if (!cookies.length || cookies.some(waits)) return false;

return sendHttpRequest(url, {
  headers: { Cookie: cookies.map((cookie) => name + '=' + cookie).join('; ') },
  method: 'GET',
  timeout: 2000
}).then((answer) => answer.statusCode === 204, () => false);


___SERVER_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "get_cookies",
        "versionId": "1"
      },
      "param": [
        {
          "key": "cookieAccess",
          "value": {
            "type": 1,
            "string": "specific"
          }
        },
        {
          "key": "cookieNames",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "__Host-consent"
              },
              {
                "type": 1,
                "string": "consent"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "send_http",
        "versionId": "1"
      },
      "param": [
        {
          "key": "allowedUrls",
          "value": {
            "type": 1,
            "string": "specific"
          }
        },
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 1,
                "string": "https://*/*"
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios: []


___NOTES___

A variable for a server container: use it in a condition of a tag's own, or in a transformation, as its value comes from a
request. The container sees the cookie where the shop's pages send it: on the shop's host, or below the site's cookie_domain.
