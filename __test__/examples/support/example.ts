// Starts the programs of examples/ as a reader would: each in a process of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function command(file: string): string[] {
  return file.endsWith('.ts') ? ['--import', 'tsx', `examples/${file}`] : [`examples/${file}`];
}

/** What an example writes to its standard output. @throws if it fails, or writes to its standard error */
export async function output(file: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command(file), {
    cwd: root,
    env: { ...process.env, ...env },
  });
  if (stderr !== '') throw new Error(`${file} wrote to its standard error: ${stderr}`);
  return stdout;
}

/** A server of examples/, listening on a free port of this machine. */
export class Server {
  readonly #child: ChildProcess;
  readonly address: string;
  /** The backend it says it uses. */
  readonly backend: string;

  private constructor(child: ChildProcess, address: string, backend: string) {
    this.#child = child;
    this.address = address;
    this.backend = backend;
  }

  static async start(file: string, env: NodeJS.ProcessEnv): Promise<Server> {
    const child = spawn(process.execPath, command(file), {
      cwd: root,
      env: { ...process.env, ...env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^listening on (\S+), guests run on (\w+)$/.exec(line);
      if (found !== null) return new Server(child, found[1]!, found[2]!);
    }
    throw new Error(`${file} ended without listening`);
  }

  post(path: string, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    return fetch(`${this.address}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  }

  /** Asks the server to end as an operator would, and resolves with its exit status. */
  async stop(): Promise<number | null> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [status] = await exit;
    return status;
  }
}
