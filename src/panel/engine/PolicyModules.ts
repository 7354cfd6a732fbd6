import type { PolicyModule } from './protocol';

/** Starts each module of the policy engine when it is first asked for; what failed is tried again. */
export class PolicyModules {
  private readonly started = new Map<PolicyModule, Promise<void>>();

  constructor(private readonly start: (module: PolicyModule) => Promise<void>) {}

  ready(module: PolicyModule): Promise<void> {
    const known = this.started.get(module);
    if (known) {
      return known;
    }
    const start = this.start(module);
    this.started.set(module, start);
    start.catch(() => this.started.delete(module));
    return start;
  }
}
