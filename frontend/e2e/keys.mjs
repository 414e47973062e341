import assert from 'node:assert/strict';

/** What holds the focus, and whether a reader sees that it does: for a field that is drawn by its label, the label. */
const focused = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    const shows = (x) => {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(x);
      return (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
    };
    const drawn = e.matches('input.hidden') ? e.closest('label') : e;
    const box = drawn.getBoundingClientRect();
    return {
      name: `${e.tagName.toLowerCase()} “${(e.ariaLabel || e.labels?.[0]?.textContent || e.textContent).trim().slice(0, 40)}”`,
      body: e === document.body,
      outlined: shows(drawn),
      visible:
        drawn.checkVisibility() && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    };
  });

/** Whether a locator's element has the focus. */
const has = (locator) => locator.evaluateAll((all) => all.includes(document.activeElement));

/** Presses Tab (or what moves within a group) until the locator's element has the focus, which must be seen. Gives the number of presses. */
export async function tabTo(page, locator, limit = 60, key = 'Tab') {
  const passed = [];
  while (!(await has(locator))) {
    assert.ok(passed.length < limit, `${locator} is not reached by ${limit} × ${key}: ${passed.join(', ')}`);
    await page.keyboard.press(key);
    passed.push((await focused(page)).name);
  }
  const at = await focused(page);
  assert.ok(at.visible, `${at.name} has the focus and lies outside of what is seen`);
  assert.ok(at.outlined, `nothing shows that ${at.name} has the focus`);
  return passed.length;
}

/** The focus is on something that is seen: never on the page as a whole, from where one would have to begin anew. */
export async function keeps(page) {
  // A control that was made to rest or went away loses the focus when the page is drawn.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const at = await focused(page);
  assert.ok(!at.body, 'the focus is lost');
  assert.ok(at.visible, `${at.name} has the focus and lies outside of what is seen`);
}
