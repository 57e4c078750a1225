import type { User } from './user.js';

/** The people of the demonstration, in place of a database. Each one's password is `<id>-demo`. */
export const DEMO_USERS: readonly User[] = [
  {
    id: 'ada',
    name: 'Ada',
    scopes: ['moderator'],
    passwordHash: 'x2z1C7CKYcvVXcfB3qHc-A.seXmW1pNYxOnAUuxGDqtOWVlGu3vwUs363hXe9FBfk8',
  },
  {
    id: 'ben',
    name: 'Ben',
    scopes: [],
    passwordHash: '-IBIH5-V87T4ryi7Lb7PFA.eDpnN3ZBj-A1eocihiosfvtbV4iN4Ju-D0h-TPAgJ0A',
  },
  {
    id: 'cleo',
    name: 'Cleo',
    scopes: [],
    passwordHash: '_-dFRe7GHIdjWNfF0n2B2g.y_XaNamwPQhOHV2OtOxTVkLSj4RBdnMddJw-RDE7q7Q',
  },
  {
    id: 'dora',
    name: 'Dora',
    scopes: [],
    passwordHash: 'VONz6h33aL_5AXYbJOEutg.Dbkpk-DU1G3ALfe5xWGgFBhCEdTffjOGkj6O_jKA8Rc',
  },
];
