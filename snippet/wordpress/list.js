/** The cookie list among the editor's blocks; the page itself is drawn by PHP. */
(({ blocks, blockEditor, element }, { title, text }) => {
  blocks.registerBlockType('consent-server/list', {
    apiVersion: 2,
    title,
    category: 'widgets',
    icon: 'list-view',
    edit: () => element.createElement('p', blockEditor.useBlockProps(), text),
    save: () => null,
  });
})(window.wp, window.consentServerList);
