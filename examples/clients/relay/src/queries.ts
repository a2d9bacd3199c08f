import { graphql } from 'relay-runtime';

export const viewerQuery = graphql`
  query queriesViewerQuery @throwOnFieldError {
    viewer {
      id
      email
    }
  }
`;

// #region devices
/** The connection has the arguments and the edges that Relay needs to change the list. */
export const devicesQuery = graphql`
  query queriesDevicesQuery @throwOnFieldError {
    viewer {
      id
      sessionsConnection(first: 20) @connection(key: "Devices_sessionsConnection") {
        __id
        edges {
          node {
            id
            clientName
            isCurrent
            lastSeenAt
          }
        }
      }
    }
  }
`;
// #endregion
