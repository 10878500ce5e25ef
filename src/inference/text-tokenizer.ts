/** What is used of `@huggingface/tokenizers`, whose own types do not resolve from here. */
export interface TextTokenizer {
  encode(text: string): { readonly ids: number[] };
  decode(ids: readonly number[], options: { readonly clean_up_tokenization_spaces: boolean }): string;
}

interface TokenizerModule {
  readonly Tokenizer: new (tokenizer: object, config: object) => TextTokenizer;
}

/** @param tokenizer,config what `tokenizer.json` and `tokenizer_config.json` say */
export async function loadTokenizer(tokenizer: object, config: object = {}): Promise<TextTokenizer> {
  const { Tokenizer } = (await import('@huggingface/tokenizers')) as unknown as TokenizerModule;
  return new Tokenizer(tokenizer, config);
}
