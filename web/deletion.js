/** How long a deletion can be undone (ms). */
const GRACE = 6_000;

/**
 * Makes the part of a card that deletes its upload: it asks first, and then waits for
 * some seconds in which the deletion can be undone. Leaving the page meanwhile keeps
 * the upload.
 *
 * @param {HTMLElement} root  with the elements .question and .delete, .confirm, .undo
 * @param {object} card
 * @param {string} card.name                  of the file
 * @param {() => Promise<void>} card.remove   deletes the upload
 * @param {(sentence: string) => void} card.announce
 */
export function offerDeletion(root, { name, remove, announce }) {
  const question = root.querySelector('.question');
  const [ask, confirm, undo] = ['.delete', '.confirm', '.undo'].map((button) => /** @type {HTMLButtonElement} */ (root.querySelector(button)));
  let timer;
  ask.setAttribute('aria-label', `Delete ${name}`);

  /** Shows a sentence and some of the buttons, and moves the focus to the last one. */
  function show(sentence, ...buttons) {
    const focused = root.contains(document.activeElement);
    question.textContent = sentence;
    for (const button of [ask, confirm, undo]) button.hidden = !buttons.includes(button);
    if (focused) buttons.at(-1)?.focus();
    if (sentence) announce(sentence);
  }

  async function finish() {
    show('Deleting.');
    try {
      await remove();
    } catch (error) {
      show(`Not deleted: ${error.message}`, ask);
    }
  }

  ask.addEventListener('click', () => {
    undo.textContent = 'Keep it';
    show('Delete the photo and all its images?', confirm, undo);
  });
  confirm.addEventListener('click', () => {
    undo.textContent = 'Undo';
    show('It is deleted in a few seconds.', undo);
    timer = setTimeout(finish, GRACE);
  });
  undo.addEventListener('click', () => {
    clearTimeout(timer);
    show('', ask);
    announce('Kept.');
  });
  root.hidden = false;
}
