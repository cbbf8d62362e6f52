import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chartsOf } from './charts.ts';
import { formatTime } from './format.ts';
import { Html, html, scriptJson } from './html.ts';
import type { PipelineRecord } from './record.ts';
import { lineage } from './sections/lineage.ts';
import { header, stageTable } from './sections/overview.ts';
import { preferences } from './sections/preferences.ts';
import { sideBySide } from './sections/side-by-side.ts';
import { stageSection } from './sections/stage.ts';

/**
 * The whole report in one file. The content security policy lets nothing run but our three scripts, by their digests, and
 * nothing be fetched at all: completions in the page are hostile text.
 */
export async function renderPage(pipeline: PipelineRecord, written: Date): Promise<string> {
  const [language, plot, plotStyle, charts, style] = await Promise.all([
    readFile(new URL('page/language.js', import.meta.url), 'utf8'),
    readPackaged('uplot/dist/uPlot.iife.min.js'),
    readPackaged('uplot/dist/uPlot.min.css'),
    readFile(new URL('page/charts.js', import.meta.url), 'utf8'),
    readFile(new URL('page/style.css', import.meta.url), 'utf8'),
  ]);
  const stages = pipeline.stages.map((stage) => ({ stage, charts: chartsOf(stage.series) }));
  const all = stages.flatMap((of) => of.charts.map((chart) => ({ chart, group: of.stage.name })));
  const indexed = all.map(({ chart, group }, index) => ({ chart, group, index }));
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${[language, plot, charts].map(digest).join(' ')}`;

  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${pipeline.name} – R1 report</title>
        <style>
          ${new Html(plotStyle)} ${new Html(style)}
        </style>
      </head>
      <body>
        ${header(pipeline)}
        <main>
          ${stageTable(pipeline)} ${sideBySide(pipeline)} ${lineage(pipeline)} ${preferences(pipeline)}
          ${stages.map(({ stage }) =>
            stageSection(
              stage,
              indexed.filter(({ group }) => group === stage.name),
            ),
          )}
        </main>
        <footer>Written ${formatTime(written)} by r1 report.</footer>
        <script type="application/json" id="charts">
          ${scriptJson(all)}
        </script>
        ${script(language)} ${script(plot)} ${script(charts)}
      </body>
    </html> `.text;
}

function readPackaged(file: string): Promise<string> {
  return readFile(createRequire(import.meta.url).resolve(file), 'utf8');
}

/** The element as a whole: white space around the script would change its digest. */
function script(text: string): Html {
  return new Html(`<script>${text}</script>`);
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
