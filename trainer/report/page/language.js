// Runs in the browser, before uPlot, which writes numbers in the browser's language and ends where that is none (en-US@posix). The page is in English.
Object.defineProperty(navigator, 'language', { value: 'en' });
