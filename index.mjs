import api from './index.js';

export const { AingleWasmError, Engine, envelope, hostFunction, Instance, Module, version } = api;
