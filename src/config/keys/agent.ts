import { flag, integer, type KeyTable, LOG_LEVELS, strings, text } from './rule.ts';

const acted = { acted: true } as const;
const idle = { idle: true } as const;

/** `[agent.kata]`. */
export const AGENT: KeyTable = {
  enable_debug: flag(false, acted),
  enable_tracing: flag(),
  debug_console_enabled: flag(false, acted),
  kernel_modules: strings([], acted),
  /** Seconds, of upstream's Go runtime: how long a guest may take to answer. */
  dial_timeout: integer(45, { ...acted, min: 1, max: 3600 }),
  /** Milliseconds between two tries of upstream's Rust runtime. Our channel holds what is written until the guest listens. */
  dial_timeout_ms: integer(10, idle),
  /** Milliseconds, of upstream's Rust runtime: how long a guest may take to answer. */
  reconnect_timeout_ms: integer(3000, { ...acted, min: 1, max: 3_600_000 }),
  health_check_request_timeout_ms: integer(90000),
  request_timeout_ms: integer(30000),
  cdh_api_timeout: integer(50),
  cdh_api_timeout_ms: integer(50000),
  launch_process_timeout: integer(0, { ...acted, max: 3600 }),
  /** Seconds, of upstream's Rust runtime; the Go runtime has it in `[runtime]`. */
  create_container_timeout: integer(30, { ...acted, min: 1, max: 86400 }),
  visible_cdi_devices: flag(),
  server_port: integer(1024, { max: 65535 }),
  log_port: integer(1025, { max: 65535 }),
  passfd_listener_port: integer(1027, { max: 65535, ...idle }),
  container_pipe_size: integer(0, { ...acted, max: 1024 * 1024 }),
  log_level: text('info', { ...acted, words: LOG_LEVELS }),
  // Extension keys of this runtime.
  debug_console_shell: text('', acted),
  policy: text('', { refused: 'the agent has no policy engine, so nothing would be enforced' }),
};

/** `[agent.kata.mem_agent]`, of upstream's Rust runtime. */
export const MEM_AGENT: KeyTable = {
  mem_agent_enable: flag(),
  memcg_disable: flag(false, idle),
  memcg_swap: flag(false, idle),
  memcg_swappiness_max: integer(50, idle),
  memcg_period_secs: integer(600, idle),
  memcg_period_psi_percent_limit: integer(1, idle),
  memcg_eviction_psi_percent_limit: integer(1, idle),
  memcg_eviction_run_aging_count_min: integer(3, idle),
  compact_disable: flag(false, idle),
  compact_period_secs: integer(600, idle),
  compact_period_psi_percent_limit: integer(1, idle),
  compact_psi_percent_limit: integer(5, idle),
  compact_sec_max: integer(300, idle),
  compact_order: integer(9, idle),
  compact_threshold: integer(1024, idle),
  compact_force_times: integer(2n ** 63n - 1n, idle),
};
