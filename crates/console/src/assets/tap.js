// Rows of the tap, as they come. All that is shown is put in as text.
'use strict';
(() => {
  const table = document.getElementById('tap-rows');
  const state = document.getElementById('tap-state');
  const stop = document.getElementById('tap-stop');
  if (!table || !state) return;
  const MOST = 500;
  let shown = 0, missed = 0;
  const say = (text) => { state.textContent = text; };
  const cell = (row, text, kind) => {
    const td = document.createElement('td');
    td.textContent = text;
    if (kind) td.className = kind;
    row.append(td);
  };
  const time = (ms) => (ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`);
  const object = (name) => (name.includes('/') ? name.slice(name.indexOf('/') + 1) : name);
  const source = new EventSource(table.dataset.source);
  const count = () => say(`${shown} shown${missed ? `, ${missed} more not shown: narrow the filter` : ''}`);
  source.addEventListener('open', () => say('listening'));
  source.addEventListener('request', (event) => {
    const r = JSON.parse(event.data);
    const row = document.createElement('tr');
    cell(row, r.time.slice(11, 23), 'num');
    cell(row, r.status ? String(r.status) : 'left', r.status >= 500 || !r.status ? 'bad' : r.status >= 400 ? 'warn' : 'ok');
    cell(row, r.method);
    cell(row, `${r.authority}${r.path}`, 'wide');
    cell(row, time(r.durationMs), 'num');
    cell(row, r.upstreamMs == null ? '' : time(r.upstreamMs), 'num');
    cell(row, r.flags === '-' ? '' : `${r.flags} ${r.details}`);
    cell(row, object(r.route));
    cell(row, object(r.backend));
    cell(row, r.upstream);
    cell(row, r.client);
    table.prepend(row);
    while (table.rows.length > MOST) table.deleteRow(-1);
    shown += 1;
    count();
  });
  source.addEventListener('missed', (event) => { missed += Number(JSON.parse(event.data)); count(); });
  source.addEventListener('notice', (event) => say(JSON.parse(event.data)));
  source.addEventListener('ended', (event) => { source.close(); say(JSON.parse(event.data)); });
  source.addEventListener('error', () => { if (source.readyState === EventSource.CLOSED) say('the connection ended'); });
  if (stop) stop.addEventListener('click', () => { source.close(); say('stopped'); });
})();
