import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openEmbeddedPostgres } from '../../src/platform/embedded-postgres';
import { migrate, openDatabase } from '../../src/platform/database';
import { prepareTestServices } from './services';

/**
 * One real PostgreSQL for the whole run, with a migrated template database that test files clone; binaries of the
 * other real servers are found or built.
 */
export const TEMPLATE_DATABASE = 'conceptcaps_template';

declare global {
  var releaseTestServices: (() => Promise<void>) | undefined;
}

export default async function globalSetup(): Promise<void> {
  await prepareTestServices();
  const log = pino({ level: 'silent' });
  const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-test-'));
  const postgres = await openEmbeddedPostgres({ dataDir, role: 'server', log });
  const admin = await openDatabase(postgres.url, log);
  await admin.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  await admin.close();
  const template = new URL(postgres.url);
  template.pathname = TEMPLATE_DATABASE;
  await migrate(template.href, log);
  process.env.TEST_POSTGRES_URL = postgres.url;
  globalThis.releaseTestServices = async () => {
    await postgres.release();
    await rm(dataDir, { recursive: true, force: true });
  };
}
