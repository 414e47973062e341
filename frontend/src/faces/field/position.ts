export interface Position {
  lon: number;
  lat: number;
  accuracy: number;
}

export class NoPosition extends Error {
  constructor(readonly denied: boolean) {
    super(denied ? 'denied' : 'failed');
    this.name = 'NoPosition';
  }
}

/** Where the phone is, in WGS 84 as the W3C's interface says. Asks the reader for leave the first time. */
export function findPosition(patience = 15_000): Promise<Position> {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) return reject(new NoPosition(false));
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, accuracy: Math.round(coords.accuracy) }),
      (e) => reject(new NoPosition(e.code === e.PERMISSION_DENIED)),
      { enableHighAccuracy: true, timeout: patience, maximumAge: 10_000 },
    );
  });
}

/** The same without asking: null where leave has not been given. */
export async function knownPosition(): Promise<Position | null> {
  try {
    const { state } = await navigator.permissions.query({ name: 'geolocation' });
    return state === 'granted' ? await findPosition(5000) : null;
  } catch {
    return null;
  }
}
