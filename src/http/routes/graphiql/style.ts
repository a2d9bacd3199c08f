/** Changes to the style of GraphiQL, which the page loads after GraphiQL's own. */
export const pageStyle = `
/*
 * The library that drags tabs gives them a transform. GraphiQL hides it until a tab has the focus. So a pressed tab would
 * jump away from the pointer, and its click would be lost.
 */
.graphiql-tab {
  transform: none !important;
  touch-action: auto !important;
}

/* All tabs can be seen, in as many rows as they need. */
.graphiql-container .graphiql-session-header {
  height: auto;
  min-height: var(--session-header-height);
}
.graphiql-container .graphiql-tabs {
  flex-wrap: wrap;
  gap: 4px;
}
.graphiql-container .graphiql-tab .graphiql-tab-button {
  padding-right: 26px;
}
.graphiql-container #graphiql-session {
  min-height: 0;
}
.graphiql-container .graphiql-logo {
  white-space: nowrap;
}

/* In a narrow window, the tabs scroll in one row, and the answer is below the operation. */
@media (max-width: 800px) {
  .graphiql-container .graphiql-tabs {
    flex-wrap: nowrap;
    overflow-x: auto;
    scrollbar-width: thin;
  }
  .graphiql-container .graphiql-tabs::-webkit-scrollbar {
    display: block;
    height: 6px;
  }
  .graphiql-container .graphiql-logo,
  .graphiql-container #graphiql-session > .graphiql-horizontal-drag-bar {
    display: none;
  }
  .graphiql-container #graphiql-session {
    flex-direction: column;
  }
}
`;
