// Not a module, so that it runs before the first paint.
'use strict';
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');

  function chosen() {
    try {
      return localStorage.getItem('theme');
    } catch {
      return null;
    }
  }

  let choice = chosen();

  function apply() {
    root.dataset.theme = choice ?? (dark.matches ? 'dark' : 'light');
    document
      .getElementById('theme-button')
      ?.setAttribute('aria-pressed', String(root.dataset.theme === 'dark'));
  }

  apply();
  dark.addEventListener('change', apply);
  document.addEventListener('DOMContentLoaded', () => {
    apply();
    document.getElementById('theme-button').addEventListener('click', () => {
      choice = root.dataset.theme === 'dark' ? 'light' : 'dark';
      try {
        localStorage.setItem('theme', choice);
      } catch {
        // Without storage the choice lasts until the page is left.
      }
      apply();
    });
  });
})();
