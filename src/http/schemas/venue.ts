import Type from 'typebox';

const Id = Type.String({ minLength: 1, maxLength: 64 });
const Label = Type.String({ minLength: 1, maxLength: 200 });
const Count = Type.Integer({ minimum: 1, maximum: 10_000 });

const SeatSchemeSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('letter'),
      rows: Type.Array(Type.String({ minLength: 1, maxLength: 8 }), { minItems: 1, maxItems: 200 }),
      perRow: Type.Integer({ minimum: 1, maximum: 1000 }),
      aisleAfter: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 1000 }), { maxItems: 100 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('number'),
      count: Count,
      columns: Type.Optional(Count),
      partitionEvery: Type.Optional(Count),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('row-position'),
      rows: Type.Integer({ minimum: 1, maximum: 1000 }),
      perRow: Type.Integer({ minimum: 1, maximum: 1000 }),
    },
    { additionalProperties: false },
  ),
]);

export const PREFERENCES = [
  'window',
  'aisle',
  'outlet',
  'partition',
  'normal',
  'corner',
  'quiet',
  'front',
  'back',
  'middle',
  'away_from_door',
] as const;

/** The contract's `Venue` as JSON: which seats, rooms and features a place has, within bounds that keep parsing cheap. */
export const VenueSchema = Type.Object(
  {
    id: Id,
    name: Label,
    seats: SeatSchemeSchema,
    rooms: Type.Optional(
      Type.Array(
        Type.Object(
          { id: Id, name: Label, seats: Type.Optional(SeatSchemeSchema) },
          { additionalProperties: false },
        ),
        {
          maxItems: 500,
        },
      ),
    ),
    floors: Type.Optional(Type.Array(Type.Integer({ minimum: -20, maximum: 200 }), { maxItems: 220 })),
    features: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 64 }),
        Type.Array(Type.Union(PREFERENCES.map((name) => Type.Literal(name))), { maxItems: 16 }),
        {
          maxProperties: 10_000,
        },
      ),
    ),
    rules: Type.Optional(
      Type.Object(
        {
          reserveMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          extendMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          sessionTimeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
