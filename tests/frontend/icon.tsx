/** A stub for icons, which would be fetched. */
export default function Icon() {
  return <svg />;
}

export const cacheStore = {};
