// The browser's side of /graphiql. Plain JavaScript: tsc compiles src/ for node, and esbuild bundles this file.
import 'graphiql/style.css';
import './page.css';
import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { EXAMPLE_QUERIES } from './examples';

/* global WORKERS -- file names by Monaco's label, put in by scripts/build-graphiql.mjs */
self.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url), { type: 'module', name: label }),
};

// Relative to the page, so that it also works behind a proxy that serves us under a path of its own.
const endpoint = new URL('graphql', document.baseURI);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const graphiql = createElement(
  GraphiQL,
  {
    fetcher: createGraphiQLFetcher({ url: endpoint.href, subscriptionUrl: socket.href }),
    defaultTabs: EXAMPLE_QUERIES.map(({ query, variables, headers }) => ({
      query,
      ...(variables && { variables: JSON.stringify(variables, null, 2) }),
      ...(headers && { headers: JSON.stringify(headers, null, 2) }),
    })),
    defaultEditorToolsVisibility: true,
    // Another GraphiQL on this host and port, of another day, must not give us its tabs.
    storage: createLocalStorage({ namespace: 'conceptcaps' }),
  },
  createElement(GraphiQL.Logo, null, createElement('span', { className: 'conceptcaps-logo' }, 'ConceptCaps')),
);

createRoot(document.getElementById('graphiql')).render(graphiql);
