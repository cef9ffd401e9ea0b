// The configuration as text again: what check-config prints.
import type { Config } from './config.ts';
import { formatListener, formatPlace } from './config-address.ts';

/** The configuration as one would write it in the file. Secrets are in files of their own, so there is none to mask. */
export function describeConfig(config: Config): object {
  const { sip, overlay, admin } = config;
  return {
    ...config,
    sip: { ...sip, listen: sip.listen.map(formatListener) },
    overlay: {
      ...overlay,
      listen: formatPlace(overlay.listen),
      advertise: overlay.advertise === undefined ? '' : formatPlace(overlay.advertise),
      seeds: overlay.seeds.map(formatPlace),
    },
    admin: { ...admin, listen: formatPlace(admin.listen) },
  };
}
