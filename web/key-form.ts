/** The key: asked for once, kept for the tab. */
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

/** @param onKey is given what was typed, if it can be a key at all */
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
    if (key === '') return fail('Type or paste the key first.');
    // A header cannot carry anything else, and no key has it.
    if (!/^[\x21-\x7e]+$/.test(key)) return fail('That is not a key: keys have letters, digits and signs, without spaces.');
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
