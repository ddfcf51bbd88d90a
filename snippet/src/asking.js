/** What asks for an address at once: no link to follow, and no form, whose fields may hide what is asked of it. */
export const ASKING = 'script,iframe,frame,img,image,feImage,use,input,video,audio,source,track,embed,object,link:not([rel=canonical],[rel=me])';
/** The attributes by which it does. */
export const ADDRESS = /^((.*:)?href|src|srcset|poster|data)$/i;
