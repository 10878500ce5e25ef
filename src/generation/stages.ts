import type { LiveIndex } from '../dataset/live-index';
import type { SampleRepository } from '../dataset/sample-repository';
import { donorAttributes } from '../inference/donor-attributes';
import { SoundFontEngine } from '../inference/soundfont/engine';
import type { AttributeCompleter, AudioEngine, CaptionWriter, EngineName } from '../inference/stages';
import { TEMPLATE_CAPTION } from '../inference/template-caption';

/** The stages that samples are made with: the one place where they are chosen. */
export interface Stages {
  readonly completer: AttributeCompleter;
  readonly captions: CaptionWriter;
  readonly engines: readonly AudioEngine[];
}

export function createStages(live: LiveIndex, samples: SampleRepository): Stages {
  return {
    completer: donorAttributes(async (version) => {
      // Another process may have seen newer data than this one.
      if (live.current.version < version) await live.refresh();
      const sources = await samples.listSources();
      const view = live.current.at(version);
      const rows = view.live.clone();
      // What was generated is no evidence of what goes together.
      for (const { id, origin } of sources) {
        const made = origin === 'GENERATED' ? view.index.sources.get(id) : null;
        if (made) rows.subtract(made);
      }
      return { view, rows };
    }),
    captions: TEMPLATE_CAPTION,
    engines: [new SoundFontEngine()],
  };
}

export function engineOf({ engines }: Stages, name: EngineName): AudioEngine {
  const engine = engines.find((one) => one.engine === name);
  if (!engine) throw new Error(`no engine ${name} in this process`);
  return engine;
}
