package browser

// overflowing returns what is wider than its place: the document, an element whose content is wider
// than it is, or one that ends beyond the window.
const overflowing = `() => {
	const wide = [], width = document.documentElement.clientWidth;
	for (const e of [document.documentElement, ...document.querySelectorAll('body, body *')]) {
		const box = e.getBoundingClientRect(), name = e.tagName + '#' + e.id + '.' + e.className + ' ' + e.textContent.slice(0, 40);
		if (!box.width || e.tagName === 'SCRIPT' || e.tagName === 'OPTION') continue;
		if (e.clientWidth && e.scrollWidth > e.clientWidth) wide.push(name + ': ' + e.scrollWidth + ' in ' + e.clientWidth);
		if (box.right > width + 0.5 || box.left < -0.5) wide.push(name + ' from ' + box.left + ' to ' + box.right + ' of ' + width);
	}
	return wide;
}`

// unreadable returns the texts whose contrast with what is behind them is less than 4.5 to 1, which
// is level AA of WCAG 2.2, 1.4.3, for text of any size. It returns the number of texts first.
const unreadable = `() => {
	const parse = c => { const [r, g, b, a = 1] = c.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
	const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const light = c => 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
	const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; if (c.a) throw 'a color that is half transparent'; }
		throw 'nothing is behind the text'; };
	let count = 0;
	const bad = [];
	const look = (e, color, text) => {
		count++;
		const [a, b] = [light(parse(color)), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) bad.push(e.tagName + '#' + e.id + '.' + e.className + ' ' + text.slice(0, 40) + ': ' + ratio.toFixed(2));
	};
	for (const e of document.querySelectorAll('body, body *')) {
		if (!e.getBoundingClientRect().width || e.tagName === 'SCRIPT' || e.tagName === 'OPTION') continue;
		const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
		if (own) look(e, getComputedStyle(e).color, own);
		const before = getComputedStyle(e, '::before');
		if (before.content !== 'none' && before.content !== 'normal') look(e, before.color, before.content);
		if (e.placeholder) look(e, getComputedStyle(e, '::placeholder').color, e.placeholder);
	}
	return [String(count), ...bad];
}`

// looks reports what does not fit, and what cannot be read: in a window and on a phone, by day and in
// the dark. The dark page has to be dark.
func (p *tab) looks(what string) {
	p.t.Helper()
	for _, width := range []int64{desktop, narrow, phone} {
		for _, dark := range []bool{false, true} {
			p.view(width, dark)
			if got := eval[int64](p, "document.documentElement.clientWidth"); got != width {
				p.t.Errorf("%s: the page is %d wide in a window of %d", what, got, width)
			}
			for _, wide := range eval[[]string](p, "("+overflowing+")()") {
				p.t.Errorf("%s, %d wide: too wide is %s", what, width, wide)
			}
			for _, word := range eval[[]string](p, "("+cut+")()") {
				p.t.Errorf("%s, %d wide: a word is broken: %q", what, width, word)
			}
			texts := eval[[]string](p, "("+unreadable+")()")
			if len(texts[0]) < 2 {
				p.t.Errorf("%s: the page has %s texts: this test does not read it right", what, texts[0])
			}
			for _, bad := range texts[1:] {
				p.t.Errorf("%s, dark %v: hard to read is %s", what, dark, bad)
			}
			if isDark := eval[bool](p, "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] < 64"); isDark != dark {
				p.t.Errorf("%s: dark is %v, want %v", what, isDark, dark)
			}
		}
	}
	p.view(desktop, false)
	// A state is a sign and a word, so that the colour is not needed.
	for _, state := range eval[[]string](p, `[...document.querySelectorAll('.state span, #live span, #ready span, #leads span')].map(e => e.innerText)
		.filter(s => !/^[●◆▲○] [a-z0-9]/.test(s))`) {
		p.t.Errorf("%s: a state is only %q", what, state)
	}
}

// cut returns the texts of single words, such as headings and numbers, that need more than one line.
const cut = `() => [...document.querySelectorAll('th, td[data-label], .state')].filter(e => {
	const range = document.createRange();
	range.selectNodeContents(e);
	return !e.innerText.includes(' ') && new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1;
}).map(e => e.innerText)`
