/** Prints the dashboard: `npm run print-dashboard` writes it to deploy/monitoring/dashboard.json. */
import { dashboardJson } from './dashboard.ts';

process.stdout.write(dashboardJson());
