// Preloaded: makes the process look like another machine, as `platform`, `arch`, `machine` and `libc` of OTHER_MACHINE say.
const os = require('node:os');

const { platform, arch, machine, libc } = JSON.parse(process.env.OTHER_MACHINE);
if (platform !== undefined) Object.defineProperty(process, 'platform', { value: platform });
if (arch !== undefined) Object.defineProperty(process, 'arch', { value: arch });
if (machine !== undefined) os.machine = () => machine;
os.arch = () => process.arch;
os.platform = () => process.platform;
if (libc === 'musl') process.report.getReport = () => ({ header: {} });
