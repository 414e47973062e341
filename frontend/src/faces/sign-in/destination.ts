/** Where the way leads after signing in: a view of this server, never another host's address. */
export function destination(to: string | null, origin = location.origin): string {
  if (!to?.startsWith('/')) return '/';
  const url = URL.canParse(to, origin) ? new URL(to, origin) : null;
  if (!url || url.origin !== origin || url.pathname.startsWith('//') || url.pathname.startsWith('/sign-in')) return '/';
  return url.pathname + url.search;
}
