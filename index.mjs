import api from './index.js';

export const { AingleWasmError, Engine, Global, envelope, hostFunction, Instance, Memory, Module, Table, version } =
  api;
