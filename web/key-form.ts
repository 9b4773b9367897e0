/** The form that asks for the key, and the key in the session storage of the tab. */
import { byId } from './elements.js';

const STORED = 'apsnap-key';

export function storedKey(): string | null {
  return sessionStorage.getItem(STORED);
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED);
}

export function storeKey(key: string): void {
  sessionStorage.setItem(STORED, key);
}

export interface KeyForm {
  show(error: string | null): void;
  hide(): void;
}

/** @param onKey gets what the user typed if it can be a key */
export function createKeyForm(onKey: (key: string) => void): KeyForm {
  const section = byId('key-section');
  const form = byId('key-form') as HTMLFormElement;
  const input = byId('key') as HTMLInputElement;
  const message = byId('key-error');
  const button = byId('key-send') as HTMLButtonElement;

  function fail(error: string | null): void {
    message.textContent = error ?? '';
    input.setAttribute('aria-invalid', String(error !== null));
    button.disabled = false;
    button.textContent = 'Open';
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === '') return fail('Enter the key first.');
    // fetch() throws for a header with other characters, and keys don't contain them.
    if (!/^[\x21-\x7e]+$/.test(key))
      return fail('This can’t be a key. Keys contain letters, digits and symbols, but no spaces or accents.');
    button.disabled = true;
    button.textContent = 'Checking…';
    onKey(key);
  });

  return {
    show(error) {
      section.hidden = false;
      fail(error);
      input.focus();
      if (error !== null) input.select();
    },
    hide() {
      section.hidden = true;
      input.value = '';
      fail(null);
    },
  };
}
