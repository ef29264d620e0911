/** Run a text as a module, by way of a blob, which needs no network. */
export async function loadText<M>(text: string): Promise<M> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
