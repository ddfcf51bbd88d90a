/**
 * @param {string} pattern `*` for anything; `*.` in front also for nothing
 * @returns {RegExp}
 */
export const matcher = (pattern) =>
  new RegExp(`^${pattern.replace(/[^\w*]/g, '\\$&').replace(/^\*\\\./, '(.*\\.)?').replace(/\*/g, '.*')}$`);
