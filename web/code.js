import { copyText } from './panel.js';
import { snippets } from './snippets.js';

/**
 * Shows the code of the client that is chosen.
 *
 * @param {HTMLElement} section  with .clients, .about, .copy and code
 * @param {{origin: string, preset: string}} service
 * @param {(sentence: string) => void} announce
 */
export function showCode(section, service, announce) {
  const clients = section.querySelector('.clients');
  const about = section.querySelector('.about');
  const code = section.querySelector('pre code');
  const copy = /** @type {HTMLElement} */ (section.querySelector('.copy'));
  const all = snippets(service);
  const chosen = /** @type {HTMLInputElement | null} */ (clients.querySelector(':checked'))?.value ?? all[0].client;

  const show = (client) => {
    const snippet = all.find((one) => one.client === client);
    about.textContent = snippet.about;
    code.textContent = snippet.code;
    copy.onclick = () => copyText(copy, code, `Code for ${client}`, announce);
  };
  const options = all.map(({ client }) => {
    const label = document.createElement('label');
    const radio = document.createElement('input');
    Object.assign(radio, { type: 'radio', name: 'client', value: client, checked: client === chosen });
    radio.addEventListener('change', () => show(client));
    label.append(radio, client);
    return label;
  });
  clients.replaceChildren(clients.querySelector('legend'), ...options);
  show(chosen);
}
