// @dprint/toml: a formatter in Rust, half a megabyte, with version 4 of dprint's plugin convention.
import { fromPackage, type Guest, type Program } from './program';

const CONFIG = 1;
const CHANGED = 1;

export const TOML: Program = fromPackage('toml format', '@dprint/toml/plugin.wasm', (guest) => {
  send(guest, '{"plugin":{},"global":{}}');
  guest.call('register_config', CONFIG);
  const source = Array.from({ length: 60 }, (_, index) => table(index)).join('');
  return () => {
    send(guest, 'settings.toml');
    guest.call('set_file_path');
    send(guest, source);
    const outcome = guest.call('format', CONFIG);
    if (outcome !== CHANGED) throw new Error(`the formatter's answer is ${outcome}`);
    const length = guest.call('get_formatted_text');
    return guest.read(guest.call('get_shared_bytes_ptr'), length);
  };
});

/** Lays text into the plugin's shared buffer. */
function send(guest: Guest, text: string): void {
  const bytes = Buffer.from(text);
  guest.write(guest.call('clear_shared_bytes', bytes.length), bytes);
}

/** A part of a settings file that has something to format. */
function table(index: number): string {
  return `[service-${index}]
name="service ${index}"   # shown to users
ports = [ ${8_000 + index},${9_000 + index},   ${10_000 + index} ]
limits={memory=${index * 1024}, fuel=1_000_000 , 'call depth'=3_000}


[[service-${index}.rule]]
when   = 2026-11-21T10:00:00Z
allow=[ 'read',
'write',  "list" ]
ratio= 0.${index}5

`;
}
