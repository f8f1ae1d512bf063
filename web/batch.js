import { plural } from './words.js';

/** The states in which a file may still have bytes to send: leaving the page would lose them. */
const SENDING = ['queued', 'hashing', 'granting', 'uploading'];
/** The states in which an upload stays. */
const SETTLED = { ready: 'ready', complete: 'ready', rejected: 'rejected', failed: 'failed', cancelled: 'cancelled' };

/**
 * @typedef {object} Member  a card, as the batch sees it
 * @property {string} state
 * @property {number} size   bytes
 * @property {number} sent   bytes
 * @property {boolean} retryable
 * @property {() => void} cancel
 * @property {() => void} retry
 */

/**
 * Sums up the uploads of this visit.
 *
 * @param {Iterable<Member>} members
 */
export function sum(members) {
  const all = [...members];
  const count = (state) => all.filter((member) => SETTLED[member.state] === state).length;
  const total = all.reduce((bytes, { size }) => bytes + size, 0);
  const sent = all.reduce((bytes, { state, size, sent }) => bytes + (SETTLED[state] ? size : sent), 0);
  const tally = ['rejected', 'failed', 'cancelled'].map((state) => [count(state), state]).filter(([number]) => number > 0);
  return {
    files: all.length,
    open: all.filter(({ state }) => !SETTLED[state]).length,
    sending: all.some(({ state }) => SENDING.includes(state)),
    again: all.filter(({ retryable }) => retryable).length,
    share: total ? sent / total : 0,
    text: [`${count('ready')} of ${plural(all.length, 'photo')} ready`, ...tally.map((some) => some.join(' '))].join(', ') + '.',
  };
}

/**
 * Shows how far all uploads of this visit are, and cancels or repeats them together.
 *
 * @param {HTMLElement} root  with .tally, progress, .cancel-all and .retry-all
 * @param {(sentence: string) => void} announce
 */
export function batch(root, announce) {
  /** @type {Set<Member>} */
  const members = new Set();
  const bar = root.querySelector('progress');
  const cancel = /** @type {HTMLButtonElement} */ (root.querySelector('.cancel-all'));
  const retry = /** @type {HTMLButtonElement} */ (root.querySelector('.retry-all'));
  let timer = 0;
  let open = 0;

  cancel.addEventListener('click', () => {
    for (const member of members) member.cancel();
  });
  retry.addEventListener('click', () => {
    for (const member of members) if (member.retryable) member.retry();
  });

  /** The browser asks before it leaves the page. */
  const warn = (event) => event.preventDefault();

  function show() {
    timer = 0;
    const now = sum(members);
    root.hidden = members.size < 2;
    root.querySelector('.tally').textContent = now.text;
    bar.value = now.share;
    bar.hidden = now.open === 0;
    const focused = document.activeElement;
    cancel.hidden = now.open === 0;
    retry.hidden = now.again < 2 || now.open > 0;
    if (root.contains(focused) && focused.closest('[hidden]')) /** @type {HTMLElement} */ (document.querySelector('#contact-sheet-title')).focus();
    if (open > 0 && now.open === 0 && members.size > 1) announce(now.text);
    open = now.open;
    if (now.sending) addEventListener('beforeunload', warn);
    else removeEventListener('beforeunload', warn);
  }

  return {
    /** Whether there are so many that each need not tell its own end. */
    get many() { return members.size > 3; },
    /** Tells that something has changed; it is shown a moment later. */
    changed() {
      timer ||= setTimeout(show, 100);
    },
    /** @param {Member} member */
    join(member) {
      members.add(member);
      this.changed();
    },
    /** @param {Member} member */
    leave(member) {
      members.delete(member);
      this.changed();
    },
  };
}
